using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs;

/// <summary>A piece of a container's log.</summary>
/// <param name="Next">Where the next piece begins.</param>
/// <param name="IsLast">Nothing comes after it yet.</param>
/// <param name="Damaged">How many places were no entries, or more than is unpacked of a compressed file, and were passed over.</param>
/// <param name="IsBehind">What was to be read next is gone with its file, or lies farther back than is looked: entries are missing before this piece.</param>
public sealed record LogPiece(IReadOnlyList<LogEntry> Entries, LogPosition Next, bool IsLast, int Damaged, bool IsBehind);

/// <summary>Takes entries of a time until there are enough for a piece.</summary>
internal sealed class LogPieceBuilder(FileTime? since, FileTime? until)
{
    private const int MostEntries = 4096, MostTextBytes = 512 << 10;

    private readonly List<LogEntry> _entries = [];
    private int _textBytes;

    internal int Damaged { get; set; }

    internal bool IsFull => _entries.Count >= MostEntries || _textBytes >= MostTextBytes;

    internal bool Wants(FileTime time) => !(since is { } first && IsBefore(time, first)) && !(until is { } last && IsBefore(last, time));

    internal void Add(LogEntry entry)
    {
        if (!Wants(entry.Time)) return;
        _entries.Add(entry);
        _textBytes += entry.Text.Length;
    }

    internal LogPiece Build(LogPosition next, bool isLast, bool isBehind) => new(_entries, next, isLast, Damaged, isBehind);

    private static bool IsBefore(FileTime one, FileTime other) => (one.Seconds, one.Nanoseconds).CompareTo((other.Seconds, other.Nanoseconds)) < 0;
}
