using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs.Journal;

/// <summary>
/// A log in the guest's journal, among all else that is in there: its entries are found by the container's id, so that they alone are read.
/// A place in it is the entry before: its number and its time, which it keeps when its file gets another name, and the time in another file, too.
/// </summary>
internal sealed class JournalLog : ContainerLog
{
    private const long MostScannedBytes = 8 << 20, MostTailBytes = 64 << 20;

    private readonly JournalBudget _budget;
    private readonly JournalCursor[] _cursors; // one for files that were begun one after the other
    private readonly int _damagedFiles;
    private bool _isTailShort;

    private JournalLog(JournalWriter writer, ContainerId id, IReadOnlyList<JournalFile> files, JournalBudget budget, int damagedFiles)
    {
        byte[] container = Encoding.ASCII.GetBytes($"CONTAINER_ID_FULL={id}");
        (_budget, _damagedFiles) = (budget, damagedFiles);
        _cursors =
        [
            .. files.Where(file => file.Entries > 0).GroupBy(file => file.SequenceId)
                .Select(sequence => new JournalCursor([.. sequence.OrderBy(file => file.HeadSequence).Select(file => new JournalPart(file, container, writer))])),
        ];
    }

    /// <returns>Null where the guest has no journal in its files.</returns>
    /// <exception cref="DiskException">It cannot be read.</exception>
    internal static JournalLog? Open(JournalWriter writer, ContainerId id, IFileSystem guest)
    {
        var budget = new JournalBudget();
        return JournalFiles.Open(guest, budget, out int damaged) is { } files ? new JournalLog(writer, id, files, budget, damaged) : null;
    }

    public override LogPosition Tail(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _budget.BeginWalk();
        foreach (JournalCursor cursor in _cursors) cursor.SeekEnd();
        bool isLast = true;
        while (Latest(out JournalEntry entry) is { } cursor)
        {
            JournalEntryKind kind = KindOf(cursor.Part, entry);
            _isTailShort = _budget.Used > MostTailBytes;
            // The last may be a piece, as yet.
            if (((kind == JournalEntryKind.Line || (kind == JournalEntryKind.Piece && isLast)) && count-- == 0) || _isTailShort) return PlaceOf(entry);
            isLast &= kind == JournalEntryKind.Other;
            foreach (JournalCursor other in _cursors)
            {
                if (other.TryPeekBack(out JournalEntry same) && same.IsCopyOf(entry)) other.MoveBack();
            }
        }

        return default;
    }

    public override LogPiece Read(LogPosition from, FileTime? since = null, FileTime? until = null)
    {
        _budget.BeginWalk();
        var piece = new LogPieceBuilder(since, until);
        bool isBehind = !TrySeek(from, since);
        LogPosition next = from;
        bool isLast = false;
        for (long begin = _budget.Used; !piece.IsFull && (next == from || _budget.Used - begin < MostScannedBytes);)
        {
            if (Earliest(out JournalEntry entry) is not { } cursor)
            {
                isLast = true;
                break;
            }

            piece.Damaged += cursor.Passed;
            next = PlaceOf(entry);
            try
            {
                if (piece.Wants(JournalPart.TimeOf(entry)) && cursor.Part.ReadText(entry) is { } text) piece.Add(text);
            }
            catch (JournalDamageException)
            {
                piece.Damaged++;
            }

            foreach (JournalCursor other in _cursors)
            {
                if (other.TryPeek(out JournalEntry same) && same.IsCopyOf(entry)) other.MoveNext();
            }
        }

        // They have no place among the others.
        if (from == default) piece.Damaged += _damagedFiles;
        // What follows the last entry may be whole the next time: it is told where it is not asked for again and again.
        if (isLast && (from == default || next != from)) piece.Damaged += _cursors.Sum(cursor => cursor.Passed);
        // The next time it is not behind for the same entries.
        if (isBehind && next == from) next = Latest(out JournalEntry last) is null ? default : PlaceOf(last);
        return piece.Build(next, isLast, isBehind || _isTailShort);
    }

    private static LogPosition PlaceOf(in JournalEntry entry) => new(entry.Sequence, entry.Realtime);

    /// <summary>False: the entry is gone; what is younger follows.</summary>
    private bool TrySeek(LogPosition from, FileTime? since)
    {
        if (from == default)
        {
            long realtime = since is { } first ? Math.Clamp(first.Seconds, 0, int.MaxValue) * 1_000_000 + first.Nanoseconds / 1000 : 0;
            foreach (JournalCursor cursor in _cursors) cursor.SeekTime(realtime);
            return true;
        }

        JournalCursor? home = Array.Find(_cursors, cursor => cursor.TrySeek(from.Ino, from.Offset));
        bool isFound = home is not null;
        foreach (JournalCursor cursor in _cursors)
        {
            if (cursor == home) continue;
            cursor.SeekTime(from.Offset + 1);
            // A copy of it, with another number.
            isFound |= cursor.TryPeekBack(out JournalEntry before) && before.Realtime == from.Offset;
        }

        return isFound;
    }

    private static JournalEntryKind KindOf(JournalPart part, in JournalEntry entry)
    {
        try
        {
            return part.ReadKind(entry);
        }
        catch (JournalDamageException)
        {
            return JournalEntryKind.Other;
        }
    }

    /// <summary>The next entry of all.</summary>
    private JournalCursor? Earliest(out JournalEntry entry)
    {
        JournalCursor? earliest = null;
        entry = default;
        foreach (JournalCursor cursor in _cursors)
        {
            if (cursor.TryPeek(out JournalEntry next) && (earliest is null || next.Realtime < entry.Realtime)) (earliest, entry) = (cursor, next);
        }

        return earliest;
    }

    /// <summary>The entry before of all.</summary>
    private JournalCursor? Latest(out JournalEntry entry)
    {
        JournalCursor? latest = null;
        entry = default;
        foreach (JournalCursor cursor in _cursors)
        {
            if (cursor.TryPeekBack(out JournalEntry before) && (latest is null || before.Realtime > entry.Realtime)) (latest, entry) = (cursor, before);
        }

        return latest;
    }
}
