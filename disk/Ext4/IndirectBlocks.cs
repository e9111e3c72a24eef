namespace Watari.Disk.Ext4;

/// <summary>
/// Where the blocks of a file are, as ext2 and ext3 keep it: numbers of twelve blocks in the inode, and of three with more numbers, one
/// to three levels of them. A number of 0 is a hole.
/// </summary>
internal static class IndirectBlocks
{
    private const int Direct = 12;
    private const int Levels = 3;

    /// <exception cref="DiskStructureException"/>
    public static FileRun Map(Ext4Inode inode, FileBlock wanted)
    {
        ReadOnlySpan<byte> numbers = inode.BlockArea.Span;
        ulong index = wanted.Value;
        if (index < Direct) return Run(numbers[..(Direct * sizeof(uint))], (int)index);

        index -= Direct;
        ulong perBlock = (ulong)inode.FileSystem.SuperBlock.BlockSize / sizeof(uint);
        ulong covered = perBlock; // by a tree of this many levels
        for (int level = 1; level <= Levels; level++)
        {
            if (index < covered) return Descend(inode, numbers.Le32((Direct + level - 1) * sizeof(uint)), index, covered, perBlock, level);
            index -= covered;
            covered *= perBlock;
        }

        throw new DiskStructureException($"{inode.Number}", $"block {wanted.Value} is behind what indirect blocks can have");
    }

    private static FileRun Descend(Ext4Inode inode, uint number, ulong index, ulong covered, ulong perBlock, int level)
    {
        for (; level > 0; level--)
        {
            if (number == 0) return FileRun.Hole(covered - index);
            covered /= perBlock;
            int at = (int)(index / covered);
            index %= covered;
            ReadOnlySpan<byte> numbers = inode.FileSystem.Blocks.Read(new BlockNumber(number), new Check(inode.Number, level)).Span;
            if (level == 1) return Run(numbers, at);
            number = numbers.Le32(at * sizeof(uint));
        }

        throw new InvalidOperationException("The last level was passed.");
    }

    /// <summary>From one number on those that follow it without a gap, or are holes as it is.</summary>
    private static FileRun Run(ReadOnlySpan<byte> numbers, int index)
    {
        uint first = numbers.Le32(index * sizeof(uint));
        uint count = 1;
        for (int next = index + 1; next < numbers.Length / sizeof(uint); next++, count++)
        {
            if (numbers.Le32(next * sizeof(uint)) != (first == 0 ? 0 : unchecked(first + count))) break;
        }

        return first == 0 ? FileRun.Hole(count) : new FileRun(new BlockNumber(first), count, IsHole: false);
    }

    /// <summary>They have no checksum.</summary>
    private readonly record struct Check(InodeNumber Inode, int Level) : IBlockCheck
    {
        public string Structure => $"{Inode}, indirect blocks of level {Level}";

        public bool Fits(ReadOnlySpan<byte> block) => true;
    }
}
