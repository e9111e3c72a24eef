using Watari.Introspection.Mm;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Mm;

public sealed class VmAreasTests : IDisposable
{
    private const int AreaSize = 64;

    private readonly GuestKernelBuilder _builder = new();

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Areas_come_from_the_maple_tree()
    {
        GuestVirtualAddress low = Area(0x1000, 0x3000), high = Area(0x7000, 0x8000);
        GuestVirtualAddress mm = MmWithTree((0xfff, 0), (0x2fff, low.Value), (0x6fff, 0), (0x7fff, high.Value), (ulong.MaxValue, 0));

        Assert.Equal(["1000-3000", "7000-8000"], Ranges(mm));
    }

    [Fact]
    public void Areas_come_from_the_list_on_older_kernels()
    {
        DefineArea();
        _builder.Types.Struct("mm_struct", 8, BtfField.At(0, "mmap", _builder.VoidPointer));
        GuestVirtualAddress low = Area(0x1000, 0x3000), high = Area(0x7000, 0x8000), mm = _builder.Allocate(8);
        _builder.Put(mm, low).Put(low + 24, high);

        Assert.Equal(["1000-3000", "7000-8000"], Ranges(mm));
    }

    [Fact]
    public void A_list_of_areas_without_an_end_is_an_error()
    {
        DefineArea();
        _builder.Types.Struct("mm_struct", 8, BtfField.At(0, "mmap", _builder.VoidPointer));
        GuestVirtualAddress area = Area(0x1000, 0x3000), mm = _builder.Allocate(8);
        _builder.Put(mm, area).Put(area + 24, area);

        Assert.Equal("vm_area_struct.vm_next", Assert.Throws<KernelWalkException>(() => Ranges(mm)).Path);
    }

    [Fact]
    public void An_area_that_is_not_what_the_tree_says_is_an_error()
    {
        GuestVirtualAddress area = Area(0x1000, 0x4000);
        GuestVirtualAddress mm = MmWithTree((0xfff, 0), (0x2fff, area.Value), (ulong.MaxValue, 0));

        Assert.Contains("1000-4000", Assert.Throws<KernelWalkException>(() => Ranges(mm)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_kernel_maps_by_itself_has_a_name()
    {
        DefineArea();
        _builder.Types.Struct("vm_special_mapping", 8, BtfField.At(0, "name", _builder.VoidPointer));
        GuestVirtualAddress operations = _builder.AllocateGlobal("special_mapping_vmops", 8);
        GuestVirtualAddress mapping = _builder.Allocate(8), name = _builder.Allocate(16), special = Area(0x1000, 0x2000), plain = Area(0x2000, 0x3000);
        _builder.Put(name, "[vdso]").Put(mapping, name).Put(special + 32, operations).Put(special + 40, mapping);
        GuestKernel kernel = _builder.Boot().Attach();

        Assert.Equal("[vdso]", kernel.At<VmAreaStruct>(special).SpecialName);
        Assert.Null(kernel.At<VmAreaStruct>(plain).SpecialName);
    }

    [Fact]
    public void Pages_of_zeroes_are_known()
    {
        GuestKernel kernel = _builder.Variable("zero_pfn", 0x77UL).Variable("huge_zero_pfn", 0x400UL).Boot().Attach();
        var zeroes = new ZeroPages(kernel);

        Assert.True(zeroes.Contains(new PageFrameNumber(0x77)));
        Assert.True(zeroes.Contains(new PageFrameNumber(0x5ff)));
        Assert.False(zeroes.Contains(new PageFrameNumber(0x600)));
        Assert.False(zeroes.Contains(new PageFrameNumber(0)));
    }

    [Fact]
    public void No_huge_page_of_zeroes_means_none()
    {
        GuestKernel kernel = _builder.Variable("zero_pfn", 0x77UL).Variable("huge_zero_pfn", ulong.MaxValue).Boot().Attach();

        Assert.False(new ZeroPages(kernel).Contains(new PageFrameNumber(100)));
    }

    [Fact]
    public void A_tail_page_is_anonymous_if_its_head_is()
    {
        GuestVirtualAddress head = _builder.Allocate(64), tail = _builder.Allocate(64);
        _builder.Put(head + 24, 0xffff_8880_0000_0001).Put(tail + 8, head.Value + 1).Put(tail + 24, 0x400UL);
        GuestKernel kernel = _builder.Boot().Attach();

        Assert.True(kernel.At<PageStruct>(tail).IsAnonymous);
        Assert.True(kernel.At<PageStruct>(head).IsAnonymous);
    }

    private void DefineArea() => _builder.Types.Struct("vm_area_struct", AreaSize,
        BtfField.At(0, "vm_start", _builder.Ulong), BtfField.At(8, "vm_end", _builder.Ulong), BtfField.At(16, "vm_flags", _builder.Ulong),
        BtfField.At(24, "vm_next", _builder.VoidPointer), BtfField.At(32, "vm_ops", _builder.VoidPointer), BtfField.At(40, "vm_private_data", _builder.VoidPointer));

    private GuestVirtualAddress Area(ulong start, ulong end)
    {
        GuestVirtualAddress area = _builder.Allocate(AreaSize);
        _builder.Put(area, start).Put(area + 8, end);
        return area;
    }

    private GuestVirtualAddress MmWithTree(params (ulong Pivot, ulong Slot)[] slots)
    {
        DefineArea();
        BtfBuilder types = _builder.Types;
        int tree = types.Struct("maple_tree", 16, BtfField.At(8, "ma_root", _builder.VoidPointer));
        types.Struct("maple_range_64", 256, BtfField.At(8, "pivot", types.Array(_builder.Ulong, 15)), BtfField.At(128, "slot", types.Array(_builder.VoidPointer, 16)));
        types.Struct("mm_struct", 16, BtfField.At(0, "mm_mt", tree));
        GuestVirtualAddress mm = _builder.Allocate(16), leaf = _builder.Allocate(256, 256);
        _builder.Put(mm + 8, leaf.Value | 1 << 3 | 2);
        for (int i = 0; i < slots.Length; i++) _builder.Put(leaf + 8 + (ulong)i * 8, slots[i].Pivot).Put(leaf + 128 + (ulong)i * 8, slots[i].Slot);
        return mm;
    }

    private List<string> Ranges(GuestVirtualAddress mm)
    {
        var ranges = new List<string>();
        foreach (VmAreaStruct area in _builder.Boot().Attach(IntrospectionLimits.Default with { Entries = 1000 }).At<MmStruct>(mm).Areas) ranges.Add(area.Range.ToString());
        return ranges;
    }
}
