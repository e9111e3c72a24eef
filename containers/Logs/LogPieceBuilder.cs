using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs;

/// <summary>Gathers the entries of a piece.</summary>
/// <param name="since">Only entries from then on.</param>
/// <param name="until">Only entries up to then.</param>
internal sealed class LogPieceBuilder(FileTime? since, FileTime? until)
{
    private const int MostEntries = 4096, MostTextBytes = 512 << 10;

    private readonly List<LogEntry> _entries = [];
    private int _textBytes;

    internal int Damaged { get; set; }

    /// <summary>There is enough for a piece.</summary>
    internal bool IsFull => _entries.Count >= MostEntries || _textBytes >= MostTextBytes;

    internal void Add(LogEntry entry)
    {
        if ((since is { } first && IsBefore(entry.Time, first)) || (until is { } last && IsBefore(last, entry.Time))) return;
        _entries.Add(entry);
        _textBytes += entry.Text.Length;
    }

    internal LogPiece Piece(LogPosition next, bool isLast, bool isBehind) => new(_entries, next, isLast, Damaged, isBehind);

    private static bool IsBefore(FileTime one, FileTime other) => (one.Seconds, one.Nanoseconds).CompareTo((other.Seconds, other.Nanoseconds)) < 0;
}
