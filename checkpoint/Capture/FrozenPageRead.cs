using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Skeleton;
using Watari.Introspection.Memory;
using Watari.Introspection.Paging;

namespace Watari.Checkpoint.Capture;

/// <summary>Consecutive pages of a process that are still to be read.</summary>
internal readonly record struct FrozenPages(int Pid, GuestVirtualAddress Start, PageCount Count)
{
    public static IReadOnlyList<FrozenPages> Of(IReadOnlyList<ProcessFill> fills) =>
        [.. fills.SelectMany(fill => fill.Runs.Select(run => new FrozenPages(fill.Pid, new GuestVirtualAddress(run.Start), new PageCount((long)run.Pages))))];
}

/// <summary>One reading of pages, from pause to pause: where it is, and which pages must be looked for again.</summary>
/// <param name="memory">The guest's memory.</param>
/// <param name="pages">What to read.</param>
/// <param name="taker">Who takes it.</param>
/// <param name="believeAbsent">Whether pages that are not there are taken for zeroes, or looked for again.</param>
internal sealed class FrozenPageRead(BulkReader memory, IReadOnlyList<FrozenPages> pages, IPageTaker taker, bool believeAbsent)
{
    private readonly List<FrozenPages> _later = [];
    private IReadOnlyDictionary<int, AddressSpace?> _spaces = new Dictionary<int, AddressSpace?>();
    private int _at;
    private long _done;

    /// <summary>Pages that could not be read now: on their way to another frame, or to swap.</summary>
    public IReadOnlyList<FrozenPages> Later => _later;

    /// <summary>Where the processes' memory is in this pause, by their numbers in the container; null: its tables are being rebuilt.</summary>
    public void Enter(IReadOnlyDictionary<int, AddressSpace?> spaces) => _spaces = spaces;

    /// <summary>Reads the next pages.</summary>
    /// <returns>Whether there are more.</returns>
    public bool Step()
    {
        FrozenPages run = pages[_at];
        long count = Math.Min(FrozenPageReader.MostPages, run.Count.Value - _done);
        GuestVirtualAddress start = run.Start + (ulong)new PageCount(_done).Bytes;
        if (!_spaces.TryGetValue(run.Pid, out AddressSpace? space))
            throw new FreezeException(FreezeFailure.NoLongerFrozen, $"Process {run.Pid} of the container has no memory any more.");
        if (space is { } tables) Read(tables, run.Pid, new GuestVirtualRange(start, start + (ulong)new PageCount(count).Bytes));
        else _later.Add(new FrozenPages(run.Pid, start, new PageCount(count)));
        _done += count;
        if (_done == run.Count.Value)
        {
            _at++;
            _done = 0;
        }

        return _at < pages.Count;
    }

    private void Read(AddressSpace space, int pid, GuestVirtualRange range)
    {
        foreach (PageRun part in space.PageRuns(range, PageFlags.None))
        {
            // It was there when the tasks were frozen. A page that its process has given up (MADV_FREE) may be dropped; all others
            // that seem absent are being moved, and their entry is empty for a moment.
            if (part.Kind == PageRunKind.Present) taker.Take(pid, part.Start, memory.Read(part.Physical, (int)part.Count.Bytes));
            else if (part.Kind == PageRunKind.Absent && believeAbsent) taker.TakeZeroes(pid, part.Start, part.Count);
            else _later.Add(new FrozenPages(pid, part.Start, part.Count));
        }
    }
}
