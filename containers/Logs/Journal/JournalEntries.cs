namespace Watari.Containers.Logs.Journal;

/// <summary>The entries with one data, by rising offset: the first is named by the data itself, the others are in arrays.</summary>
internal sealed class JournalEntries(JournalFile file, long first)
{
    private readonly List<(long Items, int Count, long Before)> _arrays = [];

    internal static JournalEntries None { get; } = new(null!, 0);

    internal long Count { get; private set; } = first == 0 ? 0 : 1;

    internal long this[long index]
    {
        get
        {
            if (index == 0) return first;
            foreach ((long items, int count, long before) in _arrays)
            {
                if (index < before + count) return file.ReadItem(items, (int)(index - before));
            }

            throw new ArgumentOutOfRangeException(nameof(index));
        }
    }

    internal void Add(long items, int count)
    {
        _arrays.Add((items, count, Count));
        Count += count;
    }

    /// <summary>The first that lies behind an offset; <see cref="Count"/> where none does.</summary>
    internal long IndexAfter(long offset)
    {
        long low = 0, high = Count;
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            if (this[middle] > offset) high = middle;
            else low = middle + 1;
        }

        return low;
    }
}
