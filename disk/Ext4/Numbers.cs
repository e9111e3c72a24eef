namespace Watari.Disk.Ext4;

/// <summary>A block of the file system: its place on the volume in blocks.</summary>
internal readonly record struct BlockNumber(ulong Value)
{
    public static BlockNumber operator +(BlockNumber block, ulong count) => new(unchecked(block.Value + count));

    public override string ToString() => $"block {Value}";
}

/// <summary>A block of one file: its place in the file in blocks.</summary>
internal readonly record struct FileBlock(uint Value)
{
    /// <summary>No file has more blocks (ee_block and i_block are words of 32 bits).</summary>
    public const ulong End = 1UL << 32;
}

/// <summary>An inode by its number, from 1 on.</summary>
internal readonly record struct InodeNumber(uint Value)
{
    public static readonly InodeNumber Root = new(2);

    public override string ToString() => $"inode {Value}";
}
