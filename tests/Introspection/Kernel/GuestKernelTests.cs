using Watari.Introspection.Symbols;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Kernel;

public sealed class GuestKernelTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void A_kernel_is_found_with_its_release_symbols_types_and_direct_map()
    {
        GuestVirtualAddress somewhere = _builder.AllocateGlobal("sys_watari", 64);
        GuestKernel kernel = _builder.Put(somewhere, 4711L).Boot().Attach();

        Assert.Equal(GuestKernelBuilder.Release, kernel.Release);
        Assert.Equal("00c0ffee", kernel.CoreInfo.BuildId);
        Assert.Equal(somewhere, kernel.Symbols.Find("sys_watari"));
        Assert.Equal(4711L, kernel.AddressSpace.Read<long>(somewhere));
        Assert.Equal(64, kernel.Types.SizeOf(kernel.Types.Find("page")));
    }

    [Fact]
    public void A_guest_without_a_kernel_says_so()
    {
        KernelNotFoundException error = Assert.Throws<KernelNotFoundException>(() => _builder.Attach());

        Assert.Contains("VMCOREINFO", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_note_that_an_earlier_kernel_left_behind_is_passed_over()
    {
        _builder.NoteAddress = new GuestPhysicalAddress(0x5000);
        _builder.Boot();
        _builder.PutNote(new GuestPhysicalAddress(0x1000), "OSRELEASE=5.0.0-gone\nNUMBER(phys_base)=123456789\nSYMBOL(_stext)=ffffffff80100000\n");

        Assert.Equal(GuestKernelBuilder.Release, _builder.Attach().Release);
    }

    [Fact]
    public void A_note_whose_kernel_was_replaced_by_another_is_refused()
    {
        _builder.BannerRelease = "6.13.0-other";
        _builder.Boot();

        KernelNotFoundException error = Assert.Throws<KernelNotFoundException>(() => _builder.Attach());

        Assert.Contains(GuestKernelBuilder.Release, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_note_is_only_looked_for_at_the_start_of_a_page()
    {
        _builder.NoteAddress = new GuestPhysicalAddress(0x1010);
        _builder.Boot();

        Assert.Empty(VmCoreInfo.FindAll(_builder.Guest.Memory));
    }

    [Fact]
    public void Mapped_memory_is_read_through_the_kernels_page_tables_and_across_pages_that_lie_apart()
    {
        const ulong vmalloc = 0xffff_c900_0000_0000;
        _builder.Tables.Map(vmalloc, 0x60_0000, PageTableBuilder.Present).Map(vmalloc + 0x1000, 0x62_0000, PageTableBuilder.Present);
        _builder.Guest.Put(new GuestPhysicalAddress(0x60_0ffc), 0x11111111).Put(new GuestPhysicalAddress(0x62_0000), 0x22222222);
        GuestKernel kernel = _builder.Boot().Attach();

        Assert.Equal(0x2222222211111111, kernel.AddressSpace.Read<long>(new GuestVirtualAddress(vmalloc + 0xffc)));
        Assert.Equal(0x22222222, kernel.AddressSpace.Read<int>(new GuestVirtualAddress(vmalloc + 0x1000)));
        Assert.False(kernel.AddressSpace.TryGetSpan(new GuestVirtualAddress(vmalloc + 0xffc), 8, out _));
        Assert.Throws<PageNotPresentException>(() => kernel.AddressSpace.Read<int>(new GuestVirtualAddress(vmalloc + 0x2000)));
    }

    [Fact]
    public void What_was_remapped_while_the_guest_ran_is_seen_once_it_stands_still()
    {
        const ulong vmalloc = 0xffff_c900_0000_0000;
        var address = new GuestVirtualAddress(vmalloc);
        _builder.Tables.Map(vmalloc, 0x60_0000, PageTableBuilder.Present);
        _builder.Guest.Put(new GuestPhysicalAddress(0x60_0000), 1).Put(new GuestPhysicalAddress(0x61_0000), 2);
        GuestKernel kernel = _builder.Boot().Attach();
        Assert.Equal(1, kernel.AddressSpace.Read<int>(address));
        _builder.Tables.Map(vmalloc, 0x61_0000, PageTableBuilder.Present);
        var cpus = new CountingCpus();

        using (StillGuest still = StillGuest.Pause(kernel, cpus))
        {
            Assert.Equal(2, still.Kernel.AddressSpace.Read<int>(address));
            Assert.Equal((1, 0), (cpus.Pauses, cpus.Resumes));
        }

        Assert.Equal((1, 1), (cpus.Pauses, cpus.Resumes));
    }

    [Fact]
    public void A_guest_that_is_met_while_it_changes_its_clocks_goes_on_for_a_moment()
    {
        GuestVirtualAddress clocks = _builder.AllocateGlobal("tk_core", 8);
        _builder.Put(clocks, 3);
        GuestKernel kernel = _builder.Boot().Attach();
        var cpus = new CountingCpus { WhenResumed = () => _builder.Put(clocks, 4) };

        using StillGuest still = StillGuest.Pause(kernel, cpus);

        Assert.Equal((2, 1), (cpus.Pauses, cpus.Resumes));
        Assert.Equal(4, still.Kernel.AddressSpace.Read<int>(clocks));
    }

    [Fact]
    public void Nothing_is_still_about_a_guest_that_runs_again()
    {
        GuestKernel kernel = _builder.Boot().Attach();
        var cpus = new CountingCpus();
        StillGuest still = StillGuest.Pause(kernel, cpus);
        still.Dispose();
        still.Dispose();

        Assert.Throws<ObjectDisposedException>(() => still.Kernel);
        Assert.Equal(1, cpus.Resumes);
    }

    [Fact]
    public void A_user_address_is_not_the_kernels()
    {
        GuestKernel kernel = _builder.Boot().Attach();

        Assert.Throws<PageNotPresentException>(() => kernel.AddressSpace.Read<long>(new GuestVirtualAddress(0x1000)));
    }

    [Fact]
    public void A_page_and_its_number_lead_to_each_other()
    {
        GuestKernel kernel = _builder.Boot().Attach();
        var frame = new PageFrameNumber(0x1234);

        Assert.Equal(frame, kernel.Pages.FrameOf(kernel.Pages.PageOf(frame)));
        Assert.Equal(64UL, kernel.Pages.PageOf(new PageFrameNumber(1)) - kernel.Pages.PageOf(new PageFrameNumber(0)));
    }

    [Fact]
    public void A_per_cpu_variable_lies_in_each_cpus_own_area()
    {
        GuestVirtualAddress offsets = _builder.AllocateGlobal("__per_cpu_offset", 16);
        _builder.Put(offsets, 0x1000L).Put(offsets + 8, 0x2000L);
        GuestKernel kernel = _builder.Symbol("lazy_list", new GuestVirtualAddress(0x440)).Variable("nr_cpu_ids", 2).Boot().Attach();

        Assert.Equal(2, kernel.PerCpu.PossibleCpus);
        Assert.Equal(new GuestVirtualAddress(0x2440), kernel.PerCpu.Address("lazy_list", 1));
    }

    private sealed class CountingCpus : IVcpuControl
    {
        public int Pauses { get; private set; }

        public int Resumes { get; private set; }

        /// <summary>What the guest does as soon as it runs.</summary>
        public Action WhenResumed { get; init; } = () => { };

        public void Pause() => Pauses++;

        public void Resume()
        {
            Resumes++;
            WhenResumed();
        }
    }
}
