namespace Watari.Disk.Ext4;

/// <summary>Blocks of a file from one on that lie one behind the other, or are a hole.</summary>
/// <param name="First">Where the first is; without meaning for a hole.</param>
/// <param name="Count">How many; at least one.</param>
/// <param name="IsHole">Whether they read as zeroes: no block is there, or one that nothing was written to.</param>
internal readonly record struct FileRun(BlockNumber First, ulong Count, bool IsHole)
{
    public static FileRun Hole(ulong count) => new(default, count, IsHole: true);
}
