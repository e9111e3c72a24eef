namespace Watari.Disk.FileSystems;

/// <summary>Reading of whole files.</summary>
public static class FileReading
{
    extension(IInode file)
    {
        /// <summary>All bytes of a regular file.</summary>
        /// <param name="limit">The most that it may have.</param>
        /// <exception cref="DiskLimitException">It is larger.</exception>
        /// <exception cref="DiskException"/>
        public byte[] ReadAll(int limit)
        {
            long size = file.Status.Size;
            if (size > limit) throw new DiskLimitException($"inode {file.Status.Ino}, a file of {size} bytes", nameof(limit), limit);
            byte[] bytes = new byte[size];
            int count = file.ReadUpTo(0, bytes); // less of one that is being cut off
            return count == bytes.Length ? bytes : bytes[..count];
        }

        /// <summary>Of a regular file: fills the destination from an offset on, as far as the file reaches.</summary>
        /// <returns>How many bytes.</returns>
        /// <exception cref="DiskException"/>
        public int ReadUpTo(long offset, Span<byte> destination)
        {
            int count = 0;
            while (count < destination.Length && file.Read(offset + count, destination[count..]) is > 0 and int more) count += more;
            return count;
        }
    }
}
