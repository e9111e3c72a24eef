namespace Watari.Introspection.Paging;

/// <summary>
/// Walks the page tables of a range and joins what lies together: <c>foreach (PageRun run in space.PageRuns(range))</c>.
/// The runs cover the range without a gap. Tables are read in place, a leaf table once per 2 MiB; nothing is allocated.
/// </summary>
public ref struct PageRuns
{
    private const int LeafTableShift = GuestPage.Shift + PagingMode.BitsPerLevel;
    private const int EntriesPerStep = 6; // entries that continue a run cost little: 2^6 of them as much as a step

    private readonly AddressSpace _space;
    private readonly PageFlags _distinguish;
    private readonly ulong _significant;
    private readonly ulong _end;
    private ulong _next;
    private long _budget;
    private ReadOnlySpan<ulong> _leaf;
    private ulong _leafStart;
    private PageRun _pending;
    private PageRun _current;

    internal PageRuns(AddressSpace space, GuestVirtualRange range, PageFlags distinguish)
    {
        _space = space;
        _distinguish = distinguish;
        _significant = PageTableEntry.Significant(distinguish);
        _next = range.Start.PageStart.Value;
        // Widened at the top of the address space it would begin anew at 0.
        _end = range.End.PageOffset == 0 ? range.End.Value : Math.Max((range.End + GuestPage.OffsetMask).PageStart.Value, range.End.PageStart.Value);
        _budget = space.Limits.PageTableEntries;
    }

    public readonly PageRun Current => _current;

    public readonly PageRuns GetEnumerator() => this;

    public bool MoveNext()
    {
        while (_next < _end)
        {
            if (--_budget < 0) throw _space.Astray($"more than {_space.Limits.PageTableEntries} entries in one walk");
            PageRun piece = NextPiece(out bool isWhole);
            _space.Kernel?.TakeSteps(1);
            _next = (piece.Start + (ulong)piece.Count.Bytes).Value;
            if (_next <= piece.Start.Value) _next = _end; // the range ends at the top of the address space
            if (_pending.Count == PageCount.Zero)
            {
                if (isWhole)
                {
                    _current = piece;
                    return true;
                }

                _pending = piece;
            }
            else if (Joins(_pending, piece))
            {
                _pending = _pending with { Count = _pending.Count + piece.Count };
            }
            else
            {
                _current = _pending;
                _pending = piece;
                return true;
            }
        }

        _current = _pending;
        _pending = default;
        return _current.Count != PageCount.Zero;
    }

    private static bool Joins(in PageRun run, in PageRun next) => run.Kind == next.Kind && run.Kind switch
    {
        PageRunKind.Absent => true,
        PageRunKind.Present => run.Flags == next.Flags && run.Physical + (ulong)run.Count.Bytes == next.Physical,
        _ => false,
    };

    /// <param name="isWhole">Nothing that follows joins it.</param>
    private PageRun NextPiece(out bool isWhole)
    {
        if (_next - _leafStart < 1UL << LeafTableShift && !_leaf.IsEmpty) return LeafPiece(out isWhole);

        isWhole = false;
        ReadOnlySpan<ulong> table = _space.Table(_space.Root);
        for (int shift = _space.Mode.RootShift; ; shift -= PagingMode.BitsPerLevel)
        {
            var entry = new PageTableEntry(table[PagingMode.Index(_next, shift)]);
            bool mayBeLarge = shift <= PagingMode.LargestLeafShift;
            if (mayBeLarge && entry.IsLarge && entry.MapsPage) return Piece(entry, shift, PageFlags.Huge);
            if (!entry.IsPresent) return Piece(entry, shift, PageFlags.None);
            table = _space.Table(entry.Table);
            if (shift == LeafTableShift) break;
        }

        _leaf = table;
        _leafStart = _next & ~((1UL << LeafTableShift) - 1);
        return LeafPiece(out isWhole);
    }

    /// <summary>As many entries of the leaf table as follow one from another: the loop that a walk spends its time in.</summary>
    private PageRun LeafPiece(out bool isWhole)
    {
        isWhole = false;
        int first = PagingMode.Index(_next, GuestPage.Shift);
        ulong expected = _leaf[first];
        PageRun run = LeafRun(new PageTableEntry(expected));
        if (run.Kind == PageRunKind.Swapped) return run;
        if (run.Kind == PageRunKind.Present && !run.Entry.IsPresent) return run; // inverted frame numbers count down; such pages are rare

        ulong step = run.Kind == PageRunKind.Present ? (ulong)GuestPage.Size : 0;
        ulong significant = run.Kind == PageRunKind.Present ? _significant : ulong.MaxValue;
        int limit = (int)Math.Min((ulong)PagingMode.EntriesPerTable, (ulong)first + ((_end - _next) >> GuestPage.Shift));
        int index = first + 1;
        while (index < limit)
        {
            expected += step;
            ulong raw = _leaf[index];
            if (((raw ^ expected) & significant) != 0)
            {
                var next = new PageTableEntry(raw);
                isWhole = next.IsPresent || next.IsNone;
                break;
            }

            index++;
        }

        _budget -= index - first - 1;
        if (index - first >= 1 << EntriesPerStep) _space.Kernel?.TakeSteps((index - first) >> EntriesPerStep);
        return run with { Count = new PageCount(index - first) };
    }

    private readonly PageRun LeafRun(PageTableEntry entry)
    {
        var start = new GuestVirtualAddress(_next);
        if (entry.IsNone) return new PageRun(start, PageCount.One, PageRunKind.Absent, default, PageFlags.None, entry);
        if (!entry.MapsPage) return new PageRun(start, PageCount.One, PageRunKind.Swapped, default, PageFlags.None, entry);
        return new PageRun(start, PageCount.One, PageRunKind.Present, entry.Page(GuestPage.Shift), entry.Flags & _distinguish, entry);
    }

    private readonly PageRun Piece(PageTableEntry entry, int shift, PageFlags level)
    {
        ulong size = 1UL << shift;
        ulong skipped = _next & (size - 1);
        ulong length = Math.Min(size - skipped, _end - _next);
        var count = new PageCount((long)(length >> GuestPage.Shift));
        var start = new GuestVirtualAddress(_next);
        if (entry.IsNone) return new PageRun(start, count, PageRunKind.Absent, default, PageFlags.None, entry);
        if (!entry.MapsPage) return new PageRun(start, count, PageRunKind.Swapped, default, PageFlags.None, entry);
        return new PageRun(start, count, PageRunKind.Present, entry.Page(shift) + skipped, (entry.Flags | level) & _distinguish, entry);
    }
}
