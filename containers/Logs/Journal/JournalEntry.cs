namespace Watari.Containers.Logs.Journal;

/// <summary>An entry of the journal, without its data.</summary>
/// <param name="Offset">In its file.</param>
/// <param name="Items">How many data it has.</param>
/// <param name="Sequence">Its number: files that were begun one after the other count on. At least 1.</param>
/// <param name="Realtime">When the journal took it, in microseconds since 1970.</param>
/// <param name="Monotonic">In microseconds since the boot.</param>
/// <param name="Boot">Which.</param>
/// <param name="Hash">Of all its data.</param>
internal readonly record struct JournalEntry(long Offset, int Items, ulong Sequence, long Realtime, ulong Monotonic, UInt128 Boot, ulong Hash)
{
    /// <summary>Whether one is a copy of the other, in another file: where the journal moves from /run to /var, each is for a while in both, with another number.</summary>
    internal bool IsCopyOf(in JournalEntry other) => Realtime == other.Realtime && Monotonic == other.Monotonic && Boot == other.Boot && Hash == other.Hash;
}

/// <summary>The entries that have a datum, in the order in which they were written: the first stands in the datum, the others in a chain of arrays.</summary>
/// <param name="Count">As of when this was read.</param>
/// <param name="First">Where the first is.</param>
/// <param name="Arrays">Of the others, the first array first.</param>
internal sealed record JournalEntries(int Count, long First, IReadOnlyList<JournalArray> Arrays)
{
    internal static JournalEntries None { get; } = new(0, 0, []);
}

/// <param name="Offset">Of its first item.</param>
/// <param name="Begin">Which entry that is.</param>
/// <param name="Count">How many it can have.</param>
internal readonly record struct JournalArray(long Offset, long Begin, long Count);
