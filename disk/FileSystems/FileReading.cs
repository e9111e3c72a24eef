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
            int count = 0;
            while (count < bytes.Length)
            {
                int more = file.Read(count, bytes.AsSpan(count));
                if (more == 0) break; // a file that is being cut off
                count += more;
            }

            return count == bytes.Length ? bytes : bytes[..count];
        }
    }
}
