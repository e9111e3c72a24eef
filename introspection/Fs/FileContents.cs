using Watari.Introspection.Mm;

namespace Watari.Introspection.Fs;

/// <summary>Why bytes of a file are not known.</summary>
public enum FileGapReason
{
    /// <summary>They are on the file system's disk, or it has a hole there: which of the two cannot be told from memory.</summary>
    NotInMemory,

    /// <summary>In the guest's swap.</summary>
    Swapped,
}

/// <summary>Bytes of a file that could not be read: from an offset on, of a length.</summary>
public readonly record struct FileGap(ulong Offset, ulong Length, FileGapReason Reason);

/// <summary>
/// A file's contents out of the guest's memory: all there is of a file of tmpfs, and of others what of it is in the page cache.
/// <code>byte[] state = inode.ReadAll(1 &lt;&lt; 20);</code>
/// </summary>
public static class FileContents
{
    private static readonly byte[][] s_inMemoryAlone = [.. new[] { "tmpfs", "devtmpfs", "ramfs", "rootfs" }.Select(System.Text.Encoding.ASCII.GetBytes)];

    extension(InodeStruct file)
    {
        /// <summary>Copies bytes of the file, from an offset on, as many as the destination holds and the file has.</summary>
        /// <param name="offset">In bytes.</param>
        /// <param name="destination">What is not known, and holes, become zeroes in it.</param>
        /// <param name="gaps">Gets what is not known, by rising offset; holes of files that live in memory alone are known.</param>
        /// <returns>How many bytes of the destination lie within the file.</returns>
        /// <exception cref="KernelWalkException">Its size or its pages are absurd.</exception>
        public int Read(ulong offset, Span<byte> destination, ICollection<FileGap> gaps)
        {
            GuestKernel kernel = file.Kernel;
            long size = file.ISize;
            if (size < 0) throw kernel.Astray(file.Address, "inode.i_size", $"is {size}");
            int length = (int)Math.Min((ulong)destination.Length, offset < (ulong)size ? (ulong)size - offset : 0);
            destination = destination[..length];
            destination.Clear();
            if (length == 0) return 0;

            bool inMemoryAlone = LivesInMemoryAlone(file);
            ulong end = offset + (ulong)length;
            ulong known = offset; // all before it has been seen to
            if (file.ISb.Value.SType.Value.Name.SequenceEqual("hugetlbfs"u8))
            {
                // It counts its pages in huge ones (until a08c7193e4f1, v6.7).
                Add(gaps, offset, end, FileGapReason.NotInMemory);
                return length;
            }

            int? upToDate = UpToDateBit(kernel);
            foreach (FilePageRun run in file.IMapping.Value.Pages)
            {
                // A large folio can begin before the place it is looked for at.
                ulong first = run.Index << GuestPage.Shift, last = first + (ulong)run.Count.Bytes;
                if (first >= end) break;
                if (last <= known || last <= first) continue;
                ulong from = Math.Max(first, known), to = Math.Min(last, end);
                if (!inMemoryAlone) Add(gaps, known, from, FileGapReason.NotInMemory);
                if (run.IsSwapped)
                {
                    Add(gaps, from, to, inMemoryAlone ? FileGapReason.Swapped : FileGapReason.NotInMemory);
                }
                else if (upToDate is { } bit && (PageStruct.At(kernel, kernel.Pages.PageOf(run.Frame)).Head.Flags >> bit & 1) == 0)
                {
                    // Being read in; of tmpfs it was allocated, and has nothing in it yet.
                    if (!inMemoryAlone) Add(gaps, from, to, FileGapReason.NotInMemory);
                }
                else if (!kernel.Memory.TryCopy(run.Frame.Address + (from - first), destination.Slice((int)(from - offset), (int)(to - from))))
                {
                    throw kernel.Astray(file.IMapping.Address, "address_space.i_pages", $"{to - from} bytes of {run.Frame} are not in memory");
                }

                known = to;
            }

            if (!inMemoryAlone) Add(gaps, known, end, FileGapReason.NotInMemory);
            return length;
        }

        /// <summary>The whole of a small file.</summary>
        /// <param name="limit">The most bytes that it may have.</param>
        /// <exception cref="KernelWalkException">It is larger, or not all of it is in memory; the message says what is missing.</exception>
        public byte[] ReadAll(int limit)
        {
            long size = file.ISize;
            if (size < 0 || size > limit) throw file.Kernel.Astray(file.Address, "inode.i_size", $"a file of {size} bytes; the limit is {limit}");
            file.Kernel.TakeBytes(size);
            byte[] bytes = new byte[size];
            List<FileGap> gaps = [];
            file.Read(0, bytes, gaps);
            return gaps.Count == 0
                ? bytes
                : throw file.Kernel.Astray(file.IMapping.Address, "address_space.i_pages", $"{(gaps[0].Reason == FileGapReason.Swapped ? "swapped out" : "not in memory")}: {gaps[0].Length} bytes from {gaps[0].Offset} on");
        }
    }

    private static void Add(ICollection<FileGap> gaps, ulong from, ulong to, FileGapReason reason)
    {
        if (to > from) gaps.Add(new FileGap(from, to - from, reason));
    }

    private static bool LivesInMemoryAlone(InodeStruct file)
    {
        KernelCharPointer name = file.ISb.Value.SType.Value.Name;
        foreach (byte[] known in s_inMemoryAlone)
        {
            if (name.SequenceEqual(known)) return true;
        }

        return false;
    }

    /// <summary>Null where the types do not tell it.</summary>
    private static int? UpToDateBit(GuestKernel kernel) =>
        kernel.Types.TryFind("pageflags", out BtfTypeId flags) && kernel.Types.TryGetEnumerator(flags, "PG_uptodate", out long bit) ? (int)bit : null;
}
