namespace Watari.Disk.Ext4.Journal;

/// <summary>What a file system's journal held when it was opened.</summary>
/// <param name="Transactions">Committed ones that were replayed in memory.</param>
/// <param name="Blocks">Of the file system that are newer in the journal than on the device, and are read from there.</param>
/// <param name="Bytes">Of those blocks, in memory.</param>
/// <param name="HasFastCommits">Whether changes follow that are in fast commits alone. Those are not replayed: the file system is seen as of the last whole commit.</param>
public sealed record JournalState(int Transactions, int Blocks, long Bytes, bool HasFastCommits)
{
    /// <summary>Of a file system without a journal, or with one that was replayed already.</summary>
    public static JournalState Clean { get; } = new(0, 0, 0, false);
}
