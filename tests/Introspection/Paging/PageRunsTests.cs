using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Paging;

public sealed class PageRunsTests : IDisposable
{
    private const ulong Present = PageTableBuilder.Present;
    private const ulong Writable = PageTableBuilder.Writable;
    private const ulong Start = 0x7f12_3456_7000;
    private const ulong TwoMiB = 2 << 20;

    private readonly GuestMemoryBuilder _guest = new(4 << 20);

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Pages_that_lie_together_are_one_run(int levels)
    {
        PageTableBuilder tables = Tables(levels).Map(Start, 0x10000).Map(Start + 0x1000, 0x11000).Map(Start + 0x2000, 0x12000);

        PageRun run = Assert.Single(Runs(tables, Start, 3));

        Assert.Equal(PageRunKind.Present, run.Kind);
        Assert.Equal(new GuestVirtualAddress(Start), run.Start);
        Assert.Equal(new GuestPhysicalAddress(0x10000), run.Physical);
        Assert.Equal(new PageCount(3), run.Count);
    }

    [Fact]
    public void A_range_up_to_the_top_of_the_address_space_does_not_begin_anew_at_its_bottom()
    {
        using var guest = new GuestMemoryBuilder();
        var tables = new PageTableBuilder(guest, PagingMode.FourLevel);
        tables.Map(0xffff_ffff_ffff_e000, 0x5000);

        var kinds = new List<PageRunKind>();
        foreach (PageRun run in tables.AddressSpace().PageRuns(new GuestVirtualRange(new(0xffff_ffff_ffff_d000), new(ulong.MaxValue)))) kinds.Add(run.Kind);

        Assert.Equal([PageRunKind.Absent, PageRunKind.Present], kinds);
    }

    [Fact]
    public void Runs_go_on_across_tables()
    {
        ulong lastOfTable = Start | 0x1f_f000;
        PageTableBuilder tables = Tables().Map(lastOfTable, 0x10000).Map(lastOfTable + 0x1000, 0x11000);

        Assert.Equal(new PageCount(2), Assert.Single(Runs(tables, lastOfTable, 2)).Count);
    }

    [Fact]
    public void A_jump_in_physical_memory_or_a_flag_that_matters_ends_a_run()
    {
        PageTableBuilder tables = Tables()
            .Map(Start, 0x10000)
            .Map(Start + 0x1000, 0x20000)
            .Map(Start + 0x2000, 0x21000, Present | Writable)
            .Map(Start + 0x3000, 0x22000, Present | Writable | PageTableBuilder.SoftDirty);

        Assert.Equal([PageFlags.None, PageFlags.None, PageFlags.Writable, PageFlags.Writable | PageFlags.SoftDirty], Runs(tables, Start, 4).Select(run => run.Flags));
    }

    [Fact]
    public void Flags_that_nobody_asked_for_part_nothing()
    {
        PageTableBuilder tables = Tables().Map(Start, 0x10000, Present | Writable).Map(Start + 0x1000, 0x11000, Present | PageTableBuilder.SoftDirty);

        PageRun run = Assert.Single(Runs(tables, Start, 2, PageFlags.None));

        Assert.Equal(new PageCount(2), run.Count);
        Assert.Equal(PageFlags.None, run.Flags);
    }

    [Fact]
    public void What_is_absent_is_a_run_too_however_wide()
    {
        PageTableBuilder tables = Tables().Map(Start + (64UL << 30), 0x10000);

        List<PageRun> runs = Runs(tables, Start, (64L << 18) + 1);

        Assert.Equal([PageRunKind.Absent, PageRunKind.Present], runs.Select(run => run.Kind));
        Assert.Equal(new PageCount(64L << 18), runs[0].Count);
    }

    [Fact]
    public void Swapped_pages_stand_alone_with_their_entry()
    {
        PageTableBuilder tables = Tables().SetEntry(Start, 0x1234_0002).SetEntry(Start + 0x1000, 0x1234_0002);

        List<PageRun> runs = Runs(tables, Start, 2);

        Assert.All(runs, run => Assert.Equal(PageRunKind.Swapped, run.Kind));
        Assert.Equal([0x1234_0002UL, 0x1234_0002UL], runs.Select(run => run.Entry.Raw));
    }

    [Fact]
    public void A_page_that_the_process_may_not_touch_is_found_by_its_inverted_frame()
    {
        PageTableBuilder tables = Tables().SetEntry(Start, (~0x10000UL & 0x000f_ffff_ffff_f000) | PageTableBuilder.ProtNone);

        PageRun run = Assert.Single(Runs(tables, Start, 1));

        Assert.Equal(PageRunKind.Present, run.Kind);
        Assert.Equal(new GuestPhysicalAddress(0x10000), run.Physical);
        Assert.Equal(PageFlags.ProtNone, run.Flags);
    }

    [Theory]
    [InlineData(21)]
    [InlineData(30)]
    public void A_large_page_may_be_entered_in_the_middle(int shift)
    {
        ulong start = 0x7f00_0000_0000;
        PageTableBuilder tables = Tables().Map(start, 4UL << 30, Present, shift);

        PageRun run = Assert.Single(Runs(tables, start + 0x5000, 3));

        Assert.Equal(new GuestPhysicalAddress((4UL << 30) + 0x5000), run.Physical);
        Assert.Equal(new PageCount(3), run.Count);
        Assert.Equal(PageFlags.Huge, run.Flags);
    }

    [Fact]
    public void The_pages_of_a_walk_are_those_that_each_address_translates_to()
    {
        var random = new Random(20261122);
        PageTableBuilder tables = Tables();
        for (int page = 0; page < 2000; page++)
        {
            ulong address = Start + (ulong)page * 0x1000;
            ulong physical = (ulong)(page + random.Next(2) * random.Next(3)) << 12;
            _ = random.Next(5) switch
            {
                0 => tables,
                1 => tables.SetEntry(address, (~physical & 0x000f_ffff_ffff_f000) | PageTableBuilder.ProtNone),
                2 => tables.SetEntry(address, (ulong)random.Next(1, 1000) << 16 | 2),
                _ => tables.Map(address, physical, Present | (random.Next(4) == 0 ? Writable : 0)),
            };
        }

        AddressSpace space = tables.AddressSpace();
        GuestVirtualAddress expected = new(Start);
        foreach (PageRun run in space.PageRuns(new GuestVirtualRange(new(Start), new(Start + 2000 * 0x1000))))
        {
            Assert.Equal(expected, run.Start);
            for (long i = 0; i < run.Count.Value; i++)
            {
                PageTranslation translation = space.Translate(run.Start + (ulong)i * GuestPage.Size);
                Assert.Equal(translation.IsMapped, run.Kind == PageRunKind.Present);
                if (translation.IsMapped) Assert.Equal(run.Physical + (ulong)i * GuestPage.Size, translation.Physical);
                Assert.Equal(translation.Entry.IsNone, run.Kind == PageRunKind.Absent);
            }

            expected = run.Range.End;
        }

        Assert.Equal(new GuestVirtualAddress(Start + 2000 * 0x1000), expected);
    }

    [Fact]
    public void Tables_that_point_to_themselves_end_in_an_error()
    {
        PageTableBuilder tables = Tables();
        for (ulong i = 0; i < 512; i++) _guest.Put(tables.Root + i * 8, tables.Root.Value | Present | PageTableBuilder.User);
        AddressSpace space = tables.AddressSpace(IntrospectionLimits.Default with { PageTableEntries = 100_000 });

        KernelWalkException error = Assert.Throws<KernelWalkException>(() => Count(space, new GuestVirtualRange(new(0), new(1UL << 47))));

        Assert.Contains("100000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_outside_ram_is_an_error()
    {
        PageTableBuilder tables = Tables().SetEntry(Start, 0xdead_beef_f000 | Present, 21);

        Assert.Equal("page tables", Assert.Throws<KernelWalkException>(() => Runs(tables, Start, 1)).Path);
        Assert.Throws<GuestMemoryException>(() => tables.AddressSpace().Translate(new GuestVirtualAddress(Start)));
    }

    [Fact]
    public void A_range_up_to_the_top_of_the_address_space_ends()
    {
        PageTableBuilder tables = Tables();

        PageRun run = Assert.Single(Runs(tables, ulong.MaxValue - TwoMiB + 1, (long)(TwoMiB >> 12) - 1));

        Assert.Equal(PageRunKind.Absent, run.Kind);
    }

    [Fact]
    public void Reading_stops_at_the_first_page_that_is_not_there()
    {
        PageTableBuilder tables = Tables().Map(Start, 0x10000);
        _guest.Put(new GuestPhysicalAddress(0x10ffe), (ushort)0x4142);
        byte[] buffer = new byte[8];

        Assert.Equal(2, tables.AddressSpace().ReadUpTo(new GuestVirtualAddress(Start + 0xffe), buffer));
        Assert.Equal(0x42, buffer[0]);
        PageNotPresentException error = Assert.Throws<PageNotPresentException>(() => tables.AddressSpace().Read(new GuestVirtualAddress(Start + 0xffe), buffer));
        Assert.Equal(new GuestVirtualAddress(Start + 0x1000), error.Address);
    }

    private PageTableBuilder Tables(int levels = 4) => new(_guest, levels == 4 ? PagingMode.FourLevel : PagingMode.FiveLevel);

    private static List<PageRun> Runs(
        PageTableBuilder tables,
        ulong start,
        long pages,
        PageFlags distinguish = PageFlags.Writable | PageFlags.SoftDirty | PageFlags.Huge | PageFlags.ProtNone)
    {
        var runs = new List<PageRun>();
        var range = new GuestVirtualRange(new(start), new(start + (ulong)pages * GuestPage.Size));
        foreach (PageRun run in tables.AddressSpace().PageRuns(range, distinguish)) runs.Add(run);
        return runs;
    }

    private static int Count(AddressSpace space, GuestVirtualRange range)
    {
        int count = 0;
        foreach (PageRun _ in space.PageRuns(range)) count++;
        return count;
    }
}
