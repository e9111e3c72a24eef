namespace Watari.Disk.Ext4.Journal;

/// <summary>Blocks of the file system as they are in its journal, where that has newer ones than the device. It does not change.</summary>
internal sealed class JournalBlocks
{
    private readonly Dictionary<BlockNumber, byte[]> _blocks;

    public JournalBlocks(Dictionary<BlockNumber, byte[]> blocks) => _blocks = blocks;

    /// <summary>Of a file system whose device is up to date.</summary>
    public static JournalBlocks None { get; } = new([]);

    public int Count => _blocks.Count;

    public bool Has(BlockNumber block) => _blocks.ContainsKey(block);

    public bool TryGet(BlockNumber block, out ReadOnlySpan<byte> bytes)
    {
        bool has = _blocks.TryGetValue(block, out byte[]? found);
        bytes = found;
        return has;
    }

    public bool TryRead(BlockNumber block, Span<byte> destination)
    {
        if (!_blocks.TryGetValue(block, out byte[]? found)) return false;
        found.CopyTo(destination);
        return true;
    }
}
