using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs.Journal;

/// <summary>What an entry is in a container's log.</summary>
internal enum JournalEntryKind
{
    Line,

    /// <summary>Of a line that goes on in another entry.</summary>
    Piece,

    /// <summary>Nothing: another has written it.</summary>
    Other,
}

/// <summary>What one file of the journal has of a container. It is looked up when it is first asked for.</summary>
/// <param name="container">The datum that its entries have.</param>
internal sealed class JournalPart(JournalFile file, byte[] container, JournalWriter writer)
{
    private const int MostBytes = LogFiles.MaxEntry; // of a text
    private const int MostOthers = 4096;
    private const int MostDamaged = 100; // one behind the other, to find one that is whole

    private readonly HashSet<long> _others = []; // data that are no text
    private readonly List<long> _errors = [];
    private JournalEntries? _entries;
    private long _by, _piece;

    internal JournalFile File => file;

    /// <summary>What it has could not be looked up.</summary>
    internal bool IsDamaged { get; private set; }

    /// <summary>How many entries.</summary>
    /// <exception cref="JournalDamageException">The file has grown since it was opened, and what is looked up in it is behind its end of then.</exception>
    internal int Count => Entries.Count;

    private JournalEntries Entries => _entries ??= Look();

    /// <exception cref="JournalDamageException"/>
    internal JournalEntry Read(int index) => file.ReadEntry(Entries, index);

    /// <summary>The first entry of which something is true; it is so for all that follow.</summary>
    /// <returns>As many as there are where there is none.</returns>
    internal int First(Predicate<JournalEntry> isTrue)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            int middle = low + (high - low) / 2, probe = middle;
            JournalEntry entry;
            bool isWhole;
            while (!(isWhole = TryRead(probe, out entry)) && ++probe < high && probe - middle < MostDamaged)
            {
            }

            if (!isWhole || isTrue(entry)) high = middle;
            else low = probe + 1;
        }

        return low;
    }

    /// <summary>What an entry is in the log, as its writer's command counts.</summary>
    /// <exception cref="JournalDamageException"/>
    internal JournalEntryKind ReadKind(in JournalEntry entry)
    {
        if (writer is { By: null, CountsLines: false }) return JournalEntryKind.Line;
        Span<long> items = stackalloc long[entry.Items];
        file.ReadItems(entry, items);
        if (writer.By is not null && !items.Contains(_by)) return JournalEntryKind.Other;
        return writer.CountsLines && items.Contains(_piece) ? JournalEntryKind.Piece : JournalEntryKind.Line;
    }

    /// <summary>What was written; null where the entry is none of the container's output.</summary>
    /// <exception cref="JournalDamageException"/>
    internal LogEntry? ReadText(in JournalEntry entry)
    {
        Span<long> items = stackalloc long[entry.Items];
        file.ReadItems(entry, items);
        if (writer.By is not null && !items.Contains(_by)) return null;
        byte[]? text = null;
        JournalDamageException? damage = null;
        foreach (long item in items)
        {
            if (_others.Contains(item)) continue;
            try
            {
                text = file.ReadValue(item, "MESSAGE="u8, MostBytes);
                if (text is not null) break;
                if (_others.Count == MostOthers) _others.Clear();
                _others.Add(item);
            }
            // It may be of a field that is not asked for.
            catch (JournalDamageException e)
            {
                damage ??= e;
            }
        }

        if (text is null) return damage is null ? null : throw damage;
        bool isPiece = items.Contains(_piece), isError = false;
        foreach (long error in _errors) isError |= items.Contains(error);
        return new LogEntry(TimeOf(entry), isError, Line(text, isPiece));
    }

    internal static FileTime TimeOf(in JournalEntry entry)
    {
        const long MicrosecondsOfSecond = 1_000_000;
        return new FileTime(entry.Realtime / MicrosecondsOfSecond, (uint)(entry.Realtime % MicrosecondsOfSecond) * 1000);
    }

    /// <summary>Conmon writes the line feed, too, Docker does not.</summary>
    private static ReadOnlyMemory<byte> Line(byte[] text, bool isPiece)
    {
        bool hasFeed = text is [.., (byte)'\n'];
        return hasFeed == !isPiece ? text : hasFeed ? text.AsMemory(..^1) : (byte[])[.. text, (byte)'\n'];
    }

    private bool TryRead(int index, out JournalEntry entry)
    {
        try
        {
            entry = Read(index);
            return true;
        }
        catch (JournalDamageException)
        {
            entry = default;
            return false;
        }
    }

    private JournalEntries Look()
    {
        try
        {
            if (file.Find(container) is not (not 0 and var datum)) return JournalEntries.None;
            JournalEntries entries = file.EntriesOf(datum);
            // What these entries have was all there before them.
            file.Forget();
            _piece = Find("CONTAINER_PARTIAL_MESSAGE=true"u8);
            if (writer.By is { } by) _by = Find(by);
            // What is written to the standard error gets 3, other output 6; a program may have asked for another by its first bytes.
            foreach (byte priority in "0123"u8)
            {
                if (file.Find([.. "PRIORITY="u8, priority]) is not 0 and var error) _errors.Add(error);
            }

            return entries;
        }
        // It is opened anew by whoever takes the look again.
        catch (JournalDamageException) when (!file.HasGrown())
        {
            IsDamaged = true;
            return JournalEntries.None;
        }
    }

    /// <summary>-1 where it is not there: no entry has it.</summary>
    private long Find(ReadOnlySpan<byte> datum) => file.Find(datum) is not 0 and var offset ? offset : -1;
}
