namespace Watari.Disk.Ext4;

/// <summary>
/// Where the blocks of a file are, by its extents (fs/ext4/ext4_extents.h): a tree whose root is in the inode. A node's entries rise, and lie
/// in what its parent gives to it; levels fall by one. So no search takes more than five steps, whatever a node points to.
/// </summary>
internal static class ExtentTree
{
    private const ushort Magic = 0xf30a;
    private const int HeaderSize = 12, EntrySize = 12, TailSize = 4;
    private const int MaxDepth = 5; // EXT4_MAX_EXTENT_DEPTH
    private const int MaxWritten = 1 << 15; // EXT_INIT_MAX_LEN; longer ones are not written yet

    /// <exception cref="DiskStructureException"/>
    public static FileRun Map(Ext4Inode inode, FileBlock wanted)
    {
        ReadOnlySpan<byte> node = inode.BlockArea.Span;
        int depth = node.Le16(6);
        if (depth > MaxDepth) throw Wrong(inode, depth, $"deeper than {MaxDepth}");
        ulong begin = 0, end = FileBlock.End;
        for (; ; depth--)
        {
            int entries = CheckHeader(inode, node, depth);
            if (depth == 0) return FindExtent(inode, node[HeaderSize..], entries, wanted, begin, end);
            if (!TryFindChild(inode, node[HeaderSize..], depth, entries, wanted, ref begin, ref end, out BlockNumber child)) return FileRun.Hole(end - wanted.Value);
            node = inode.FileSystem.Blocks.Read(child, new Check(inode, child, depth - 1)).Span;
        }
    }

    private static int CheckHeader(Ext4Inode inode, ReadOnlySpan<byte> node, int depth)
    {
        int entries = node.Le16(2), most = node.Le16(4);
        if (node.Le16(0) != Magic) throw Wrong(inode, depth, "no magic number");
        if (node.Le16(6) != depth) throw Wrong(inode, depth, $"is for depth {node.Le16(6)}");
        if (entries > most || most > (node.Length - HeaderSize) / EntrySize) throw Wrong(inode, depth, $"{entries} entries of {most}");
        return entries;
    }

    /// <summary>struct ext4_extent.</summary>
    private static FileRun FindExtent(Ext4Inode inode, ReadOnlySpan<byte> entries, int count, FileBlock wanted, ulong begin, ulong end)
    {
        ulong known = begin; // extents before it have been seen
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(i * EntrySize, EntrySize);
            ulong first = entry.Le32(0);
            int length = entry.Le16(4);
            bool written = length <= MaxWritten;
            if (!written) length -= MaxWritten;
            if (length == 0 || first < known || first + (ulong)length > end) throw Wrong(inode, 0, $"an extent of {length} blocks from {first} on, where {known} to {end} are expected");
            if (wanted.Value < first) return FileRun.Hole(first - wanted.Value);
            known = first + (ulong)length;
            if (wanted.Value >= known) continue;
            return written
                ? new FileRun(new BlockNumber(entry.Le32(8) | (ulong)entry.Le16(6) << 32) + (wanted.Value - first), known - wanted.Value, IsHole: false)
                : FileRun.Hole(known - wanted.Value);
        }

        return FileRun.Hole(end - wanted.Value);
    }

    /// <summary>struct ext4_extent_idx. Narrows what is looked at to the child's part; false where the block lies before the first child.</summary>
    private static bool TryFindChild(Ext4Inode inode, ReadOnlySpan<byte> entries, int depth, int count, FileBlock wanted, ref ulong begin, ref ulong end, out BlockNumber child)
    {
        child = default;
        if (count == 0) throw Wrong(inode, depth, "no entries");
        ulong known = begin;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(i * EntrySize, EntrySize);
            ulong first = entry.Le32(0);
            if (first < known || first >= end) throw Wrong(inode, depth, $"a child from block {first} on, where {known} to {end} are expected");
            if (wanted.Value < first)
            {
                end = first;
                return i > 0;
            }

            begin = first;
            known = first + 1;
            child = new BlockNumber(entry.Le32(4) | (ulong)entry.Le16(8) << 32);
        }

        return true;
    }

    private static DiskStructureException Wrong(Ext4Inode inode, int depth, string problem) => new($"{inode.Number}, extents at depth {depth}", problem);

    private readonly record struct Check(Ext4Inode Inode, BlockNumber Block, int Depth) : IBlockCheck
    {
        public string Structure => $"{Inode.Number}, extents at depth {Depth} in {Block}";

        /// <summary>The checksum is behind the last entry that there is room for (struct ext4_extent_tail).</summary>
        public bool Fits(ReadOnlySpan<byte> block)
        {
            if (!Inode.FileSystem.SuperBlock.HasChecksums) return true;
            int tail = HeaderSize + block.Le16(4) * EntrySize;
            return tail <= block.Length - TailSize && Crc32C.Append(Inode.ChecksumSeed, block[..tail]) == block.Le32(tail);
        }
    }
}
