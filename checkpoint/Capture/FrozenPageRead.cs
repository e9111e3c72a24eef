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
internal sealed class FrozenPageRead(GuestPhysicalMemory memory, IReadOnlyList<FrozenPages> pages, IPageTaker taker)
{
    private readonly List<FrozenPages> _later = [];
    private IReadOnlyDictionary<int, AddressSpace> _spaces = new Dictionary<int, AddressSpace>();
    private int _at;
    private long _done;

    /// <summary>Pages that are neither there nor nothing: on their way to another frame, or to swap.</summary>
    public IReadOnlyList<FrozenPages> Later => _later;

    /// <summary>Where the processes' memory is in this pause, by their numbers in the container.</summary>
    public void Enter(IReadOnlyDictionary<int, AddressSpace> spaces) => _spaces = spaces;

    /// <summary>Reads the next pages.</summary>
    /// <returns>Whether there are more.</returns>
    public bool Step()
    {
        FrozenPages run = pages[_at];
        long count = Math.Min(FrozenPageReader.MostPages, run.Count.Value - _done);
        GuestVirtualAddress start = run.Start + (ulong)new PageCount(_done).Bytes;
        if (!_spaces.TryGetValue(run.Pid, out AddressSpace space))
            throw new FreezeException(FreezeFailure.NoLongerFrozen, $"Process {run.Pid} of the container has no memory any more.");
        foreach (PageRun part in space.PageRuns(new GuestVirtualRange(start, start + (ulong)new PageCount(count).Bytes), PageFlags.None))
        {
            switch (part.Kind)
            {
                case PageRunKind.Present:
                    taker.Take(run.Pid, part.Start, memory.Span(part.Physical, (int)part.Count.Bytes));
                    break;
                case PageRunKind.Absent:
                    // It was there when the tasks were frozen. Only a page that its process has given up (MADV_FREE) is dropped.
                    taker.TakeZeroes(run.Pid, part.Start, part.Count);
                    break;
                default:
                    _later.Add(new FrozenPages(run.Pid, part.Start, part.Count));
                    break;
            }
        }

        _done += count;
        if (_done == run.Count.Value)
        {
            _at++;
            _done = 0;
        }

        return _at < pages.Count;
    }
}
