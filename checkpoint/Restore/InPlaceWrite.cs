using Watari.Introspection.Memory;
using Watari.Introspection.Paging;

namespace Watari.Checkpoint.Restore;

/// <summary>One writing of a process's pages, from pause to pause: where it is, and what became of the pages so far.</summary>
internal sealed class InPlaceWrite(GuestMemoryWriter memory, BulkReader reader, IPagesToWrite pages)
{
    /// <summary>Pages between two looks at the clock: half a MiB is written and read back in a fraction of a millisecond.</summary>
    private const long StepPages = 128;

    private readonly List<GuestVirtualRange> _missing = [];
    private AddressSpace _space;
    private ExclusivePages _exclusive;
    private int _run;
    private long _done;

    public PageCount Written { get; private set; }

    /// <summary>By rising address, neighbours joined.</summary>
    public IReadOnlyList<GuestVirtualRange> Missing => _missing;

    /// <summary>Where the process's memory is in this pause, and which of it is its own.</summary>
    public void Enter(AddressSpace space, ExclusivePages exclusive)
    {
        _space = space;
        _exclusive = exclusive;
    }

    /// <summary>Writes the next pages.</summary>
    /// <returns>Whether there are more.</returns>
    public bool Step()
    {
        if (_run == pages.Runs) return false;
        PagesToWrite run = pages[_run];
        long count = Math.Min(StepPages, run.Count.Value - _done);
        GuestVirtualAddress start = run.Start + (ulong)new PageCount(_done).Bytes;
        foreach (PageRun part in _space.PageRuns(new GuestVirtualRange(start, start + (ulong)new PageCount(count).Bytes), ExclusivePages.Told))
        {
            if (part.Kind == PageRunKind.Present) WritePresent(run, part);
            else if (part.Kind == PageRunKind.Absent && run.IsZero) Written += part.Count; // reads as zero as it is
            else Miss(part);
        }
        _done += count;
        if (_done == run.Count.Value)
        {
            _run++;
            _done = 0;
        }
        return _run < pages.Runs;
    }

    /// <summary>Parts what is present into pages that are the process's own and others, and handles each part as one.</summary>
    private void WritePresent(in PagesToWrite run, in PageRun present)
    {
        long first = 0;
        bool own = _exclusive.Contains(_space, present, 0);
        for (long page = 1; page <= present.Count.Value; page++)
        {
            bool nextOwn = page < present.Count.Value && _exclusive.Contains(_space, present, page);
            if (page < present.Count.Value && nextOwn == own) continue;
            PageRun part = present with
            {
                Start = present.Start + (ulong)new PageCount(first).Bytes,
                Physical = present.Physical + (ulong)new PageCount(first).Bytes,
                Count = new PageCount(page - first),
            };
            if (own) WriteOwn(run, part);
            else KeepOrMiss(run, part);
            first = page;
            own = nextOwn;
        }
    }

    private void WriteOwn(in PagesToWrite run, in PageRun part)
    {
        Written += part.Count;
        if (run.IsZero)
        {
            memory.Clear(part.Physical, (int)part.Count.Bytes);
            return;
        }
        memory.Write(part.Physical, Wanted(run, part));
        pages.ReadBack(part.Start, reader.Read(part.Physical, (int)part.Count.Bytes));
    }

    /// <summary>Pages that others see too are left as they are: right only if they hold the right bytes already, as the zero page may.</summary>
    private void KeepOrMiss(in PagesToWrite run, in PageRun part)
    {
        ReadOnlySpan<byte> inGuest = reader.Read(part.Physical, (int)part.Count.Bytes);
        for (int page = 0; page < part.Count.Value; page++)
        {
            PageRun single = part with { Start = part.Start + (ulong)new PageCount(page).Bytes, Count = PageCount.One };
            ReadOnlySpan<byte> there = inGuest.Slice(page * GuestPage.Size, GuestPage.Size);
            if (run.IsZero ? there.ContainsAnyExcept((byte)0) : !there.SequenceEqual(Wanted(run, single)))
            {
                Miss(single);
                continue;
            }
            Written += PageCount.One;
            if (!run.IsZero) pages.ReadBack(single.Start, there);
        }
    }

    private static ReadOnlySpan<byte> Wanted(in PagesToWrite run, in PageRun part) =>
        run.Contents.Slice((int)(part.Start - run.Start), (int)part.Count.Bytes);

    private void Miss(in PageRun part)
    {
        if (_missing.Count > 0 && _missing[^1].End == part.Start) _missing[^1] = _missing[^1] with { End = part.Range.End };
        else _missing.Add(part.Range);
    }
}
