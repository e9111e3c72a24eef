namespace Watari.Containers.Logs.Journal;

/// <summary>A place between two entries of a container, in files that were begun one after the other.</summary>
/// <param name="parts">The oldest first.</param>
internal sealed class JournalCursor(IReadOnlyList<JournalPart> parts)
{
    private const int MostDamaged = 100; // one behind the other in a file; then the rest of it is passed over

    private int _part, _index; // of the entry that follows
    private JournalEntry? _next;

    /// <summary>Of the entry that <see cref="TryPeek"/> or <see cref="TryPeekBack"/> has found.</summary>
    internal JournalPart Part { get; private set; } = parts[0];

    /// <summary>How many entries that are none, and files, were passed over since the last entry.</summary>
    internal int Passed { get; private set; }

    /// <summary>The entry that follows.</summary>
    internal bool TryPeek(out JournalEntry entry)
    {
        for (int damaged = 0; _next is null && _part < parts.Count;)
        {
            JournalPart part = parts[_part];
            if (_index >= part.Count)
            {
                if (part.IsDamaged) Passed++;
                (_part, _index, damaged) = (_part + 1, 0, 0);
                continue;
            }

            try
            {
                (Part, _next) = (part, part.Read(_index));
            }
            catch (JournalDamageException)
            {
                Passed++;
                _index = ++damaged == MostDamaged ? part.Count : _index + 1;
            }
        }

        entry = _next.GetValueOrDefault();
        return _next is not null;
    }

    /// <summary>Behind the entry that was found.</summary>
    internal void MoveNext()
    {
        _index++;
        (_next, Passed) = (null, 0);
    }

    /// <summary>The entry before.</summary>
    internal bool TryPeekBack(out JournalEntry entry)
    {
        _next = null;
        for (int damaged = 0; ;)
        {
            if (_index == 0)
            {
                if (_part == 0)
                {
                    entry = default;
                    return false;
                }

                (_index, damaged) = (parts[--_part].Count, 0);
                continue;
            }

            try
            {
                Part = parts[_part];
                entry = Part.Read(_index - 1);
                return true;
            }
            catch (JournalDamageException)
            {
                _index = ++damaged == MostDamaged ? 0 : _index - 1;
            }
        }
    }

    /// <summary>Before the entry that was found.</summary>
    internal void MoveBack() => _index--;

    internal void SeekEnd() => Seek(parts.Count, 0);

    /// <summary>Behind an entry; false where it is not there.</summary>
    internal bool TrySeek(ulong sequence, long realtime)
    {
        for (int part = 0; part < parts.Count; part++)
        {
            if (sequence < parts[part].File.HeadSequence || sequence > parts[part].File.TailSequence) continue;
            Seek(part, parts[part].First(entry => entry.Sequence > sequence));
            if (TryPeekBack(out JournalEntry found) && found.Sequence == sequence && found.Realtime == realtime) return true;
        }

        return false;
    }

    /// <summary>Before the first entry that is not older.</summary>
    /// <param name="realtime">In microseconds since 1970.</param>
    internal void SeekTime(long realtime)
    {
        int part = 0;
        while (part < parts.Count && parts[part].File.TailRealtime < (ulong)realtime) part++;
        Seek(part, part == parts.Count ? 0 : parts[part].First(entry => entry.Realtime >= realtime));
    }

    private void Seek(int part, int index) => (_part, _index, _next, Passed) = (part, index, null, 0);
}
