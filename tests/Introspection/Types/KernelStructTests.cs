using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Types;

public sealed class KernelStructTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Every_form_of_member_is_read_where_the_kernels_types_say()
    {
        DefineWidget();
        GuestVirtualAddress at = _builder.Allocate(256), other = _builder.Allocate(256), name = _builder.Allocate(32);
        GuestKernel kernel = _builder
            .Put(at + 4, -5).Put(at + 8, 0x80000001U).Put(at + 24, long.MinValue)
            .Put(at + 32, 2).Put(at + 36, (byte)1).Put(at + 37, (byte)0b0110_1000).Put(at + 38, (ushort)0xbeef)
            .Put(at + 48, other).Put(at + 56, at).Put(at + 64, name).Put(name, "a name of some length").Put(at + 72, "watari")
            .Put(at + 88, 11UL).Put(at + 96, 22UL).Put(at + 104, (ushort)7).Put(at + 106, (ushort)8)
            .Put(at + 112, at + 112).Put(at + 128, 0UL).Put(at + 136, 4711U).Boot().Attach();

        Widget widget = kernel.At<Widget>(at);

        Assert.Equal(-5, widget.Pid);
        Assert.Equal(0x80000001U, widget.State);
        Assert.Equal(long.MinValue, widget.Nested);
        Assert.Equal(WidgetKind.Round, widget.Kind);
        Assert.True(widget.IsReady);
        Assert.True(widget.Frozen);
        Assert.Equal(-2, widget.Signed);
        Assert.Equal(0xbeefUL, widget.AnyWidth);
        Assert.Equal(other, widget.Next.Value.Address);
        Assert.Equal(at, widget.Anything);
        Assert.Equal("a name of some length", widget.Name.ToString());
        Assert.True(widget.Name.SequenceEqual("a name of some length"u8));
        Assert.False(widget.Name.SequenceEqual("a name"u8));
        Assert.Equal("watari", widget.Comm.ToString());
        Assert.True(widget.Comm.SequenceEqual("watari"u8));
        Assert.False(widget.Comm.SequenceEqual("wat"u8));
        Assert.Equal([11UL, 22UL], widget.Numbers.ToArray());
        Assert.Equal(8, widget.Parts[1].Size);
        Assert.True(widget.Siblings.IsEmpty);
        Assert.Equal(4711U, widget.Wrapped);
        Assert.Equal(256, kernel.SizeOf<Widget>());
    }

    [Fact]
    public void A_member_that_the_kernel_lacks_is_null_if_it_is_optional_and_an_error_if_not()
    {
        _builder.Types.Struct("widget", 16, BtfField.At(0, "pid", _builder.Int));
        GuestKernel kernel = _builder.Boot().Attach();
        Widget widget = kernel.At<Widget>(_builder.Allocate(16));

        Assert.Null(widget.Extra);
        KernelTypeException error = Assert.Throws<KernelTypeException>(() => widget.State);
        Assert.Contains("widget", error.Message, StringComparison.Ordinal);
        Assert.Contains("__state or state", error.Message, StringComparison.Ordinal);
        Assert.Throws<KernelTypeException>(() => kernel.Layout.Verify(Widget.Descriptor));
    }

    [Fact]
    public void An_optional_member_that_is_there_is_read()
    {
        _builder.Types.Struct("widget", 16, BtfField.At(8, "extra", _builder.Uint));
        GuestVirtualAddress at = _builder.Allocate(16);

        Assert.Equal(9U, _builder.Put(at + 8, 9).Boot().Attach().At<Widget>(at).Extra);
    }

    [Fact]
    public void Of_several_names_of_a_member_or_structure_the_first_that_is_there_counts()
    {
        _builder.Types.Struct("old_widget", 16, BtfField.At(4, "state", _builder.Uint));
        GuestVirtualAddress at = _builder.Allocate(16);

        Assert.Equal(3U, _builder.Put(at + 4, 3).Boot().Attach().At<Widget>(at).State);
    }

    [Theory]
    [InlineData("list_head", true)]
    [InlineData("hlist_head", false)]
    public void A_member_that_changed_its_structure_is_told_by_its_type(string structure, bool isList)
    {
        int hlist = _builder.Types.Struct("hlist_head", 8, BtfField.At(0, "first", _builder.VoidPointer));
        _builder.Types.Struct("widget", 32, BtfField.At(16, "timers", structure == "list_head" ? _builder.ListHead : hlist));
        Widget widget = _builder.Boot().Attach().At<Widget>(_builder.Allocate(32));

        Assert.Equal(isList, widget.TimerList.HasValue);
        Assert.Equal(isList, !widget.TimerHlist.HasValue);
    }

    [Fact]
    public void A_member_of_another_size_sign_or_form_is_an_error_that_names_it()
    {
        _builder.Types.Struct("widget", 64, BtfField.At(0, "pid", _builder.Long), BtfField.At(8, "state", _builder.Int),
            BtfField.At(16, "next", _builder.Int), BtfField.At(24, "numbers", _builder.Ulong), BtfField.At(32, "comm", _builder.Types.Array(_builder.Int, 4)));
        Widget widget = _builder.Boot().Attach().At<Widget>(_builder.Allocate(64));

        Assert.Contains("widget.pid has 8 bytes", Assert.Throws<KernelTypeException>(() => widget.Pid).Message, StringComparison.Ordinal);
        Assert.Contains("widget.state is signed", Assert.Throws<KernelTypeException>(() => widget.State).Message, StringComparison.Ordinal);
        Assert.Contains("widget.next", Assert.Throws<KernelTypeException>(() => widget.Next).Message, StringComparison.Ordinal);
        Assert.Contains("widget.numbers", Assert.Throws<KernelTypeException>(() => widget.Numbers).Message, StringComparison.Ordinal);
        Assert.Contains("widget.comm", Assert.Throws<KernelTypeException>(() => widget.Comm).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_integers_are_read_as_one_array_whether_the_types_nest_them_or_not()
    {
        _builder.Types.Struct("widget", 64, BtfField.At(8, "numbers", _builder.Types.Array(_builder.Types.Array(_builder.Ulong, 3), 2)));
        GuestVirtualAddress at = _builder.Allocate(64);

        KernelArray<ulong> numbers = _builder.Put(at + 8 + 5 * 8, 9UL).Boot().Attach().At<Widget>(at).Numbers;

        Assert.Equal((6, 9UL), (numbers.Length, numbers[5]));
    }

    [Fact]
    public void A_structure_in_the_place_of_a_pointer_or_an_array_counts_as_another_member()
    {
        int structure = _builder.Types.Struct("inner", 8, BtfField.At(0, "depth", _builder.Long));
        _builder.Types.Struct("widget", 64, BtfField.At(0, "next", structure), BtfField.At(8, "numbers", structure), BtfField.At(16, "parts", structure));
        Widget widget = _builder.Boot().Attach().At<Widget>(_builder.Allocate(64));

        foreach (Func<object> read in (Func<object>[])[() => widget.Next, () => widget.Numbers, () => widget.Parts])
            Assert.Contains("has no member", Assert.Throws<KernelTypeException>(read).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_a_kernel_lacks_is_told_at_once()
    {
        _builder.Types.Struct("widget", 64, BtfField.At(0, "pid", _builder.Long), BtfField.At(8, "next", _builder.VoidPointer));
        KernelLayout layout = _builder.Boot().Attach().Layout;

        IReadOnlyList<string> faults = layout.Faults(Widget.Descriptor);

        Assert.Contains("widget.pid has 8 bytes, not the 4 that it is read as.", faults);
        Assert.Contains("This kernel's widget or old_widget has no member __state or state of the expected type.", faults);
        Assert.DoesNotContain(faults, fault => fault.Contains("next", StringComparison.Ordinal) || fault.Contains("extra", StringComparison.Ordinal));
        Assert.Equal(["This kernel's BTF has no part."], layout.Faults(Part.Descriptor));
        Assert.False(layout.Has(Part.Descriptor));
    }

    [Fact]
    public void A_structure_that_is_not_in_memory_is_an_error_that_names_the_member()
    {
        DefineWidget();
        Widget widget = _builder.Boot().Attach().At<Widget>(new GuestVirtualAddress(0xffff_f000_0000_0000));

        Assert.Equal("widget.pid", Assert.Throws<KernelWalkException>(() => widget.Pid).Path);
        Assert.Equal("widget.frozen", Assert.Throws<KernelWalkException>(() => widget.Frozen).Path);
    }

    [Fact]
    public void A_null_pointer_leads_nowhere()
    {
        DefineWidget();
        GuestVirtualAddress at = _builder.Allocate(256);
        Widget widget = _builder.Boot().Attach().At<Widget>(at);

        Assert.True(widget.Next.IsNull);
        Assert.False(widget.Next.TryGet(out _));
        Assert.Throws<KernelWalkException>(() => widget.Next.Value);
        Assert.Equal("", widget.Name.ToString());
    }

    [Fact]
    public void Text_without_an_end_is_an_error()
    {
        DefineWidget();
        GuestVirtualAddress at = _builder.Allocate(256), name = _builder.Allocate(8192);
        for (ulong i = 0; i < 8192; i += 8) _builder.Put(name + i, 0x6161616161616161UL);
        Widget widget = _builder.Put(at + 64, name).Boot().Attach().At<Widget>(at);

        Assert.Throws<KernelWalkException>(() => widget.Name.ToString());
    }

    [Fact]
    public void Arrays_are_bounded_by_their_length_and_by_the_limits()
    {
        DefineWidget();
        Widget widget = _builder.Boot().Attach(IntrospectionLimits.Default with { Entries = 100 }).At<Widget>(_builder.Allocate(256));

        Assert.Throws<KernelWalkException>(() => widget.Numbers[2]);
        Assert.Throws<KernelWalkException>(() => widget.Parts[-1]);
        Assert.Throws<KernelWalkException>(() => widget.Numbers.OfLength(101));
        Assert.Throws<KernelWalkException>(() => widget.Parts.OfLength(-1));
    }

    [Fact]
    public void Two_kernels_keep_their_own_offsets()
    {
        using var second = new GuestKernelBuilder();
        _builder.Types.Struct("widget", 16, BtfField.At(0, "pid", _builder.Int));
        second.Types.Struct("widget", 16, BtfField.At(12, "pid", second.Int));
        GuestVirtualAddress first = _builder.Allocate(16), other = second.Allocate(16);

        Assert.Equal(1, _builder.Put(first, 1).Boot().Attach().At<Widget>(first).Pid);
        Assert.Equal(2, second.Put(other + 12, 2).Boot().Attach().At<Widget>(other).Pid);
    }

    [Fact]
    public void A_view_prints_what_and_where_it_is_and_reads_nothing()
    {
        DefineWidget();
        Widget widget = _builder.Boot().Attach().At<Widget>(new GuestVirtualAddress(0x123));

        Assert.Equal("widget at 0x123", widget.ToString());
    }

    [Fact]
    public void Reading_members_allocates_nothing()
    {
        DefineWidget();
        GuestVirtualAddress at = _builder.Allocate(256);
        Widget widget = _builder.Put(at + 48, at).Boot().Attach().At<Widget>(at);
        long Sum() => widget.Pid + widget.State + widget.Next.Value.Nested + (widget.Frozen ? 1 : 0) + (long)widget.Numbers[1] + widget.Parts[0].Size;
        Sum();

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Sum();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private void DefineWidget()
    {
        BtfBuilder types = _builder.Types;
        int value = types.Struct("", 8, BtfField.At(0, "value", _builder.Long));
        int inner = types.Struct("inner", 16, BtfField.At(8, "depth", value));
        int kind = types.Enum("widget_kind", ("NONE", 0), ("ROUND", 2));
        int part = types.Struct("part", 2, BtfField.At(0, "size", _builder.Ushort));
        int wrapper = types.Typedef("kuid_t", types.Struct("", 4, BtfField.At(0, "val", _builder.Uint)));
        int widget = types.Pointer();
        types.Struct("widget", 256,
            BtfField.At(4, "pid", _builder.Int),
            BtfField.At(8, "__state", _builder.Uint),
            BtfField.At(16, "inner", inner),
            BtfField.At(32, "kind", kind),
            BtfField.At(36, "is_ready", types.Int("_Bool", 1)),
            BtfField.Bits(37 * 8 + 3, 1, "frozen", _builder.Uint),
            BtfField.Bits(37 * 8 + 4, 3, "signed", _builder.Int),
            BtfField.At(38, "any_width", _builder.Ushort),
            BtfField.At(48, "next", widget),
            BtfField.At(56, "anything", _builder.Ulong),
            BtfField.At(64, "name", widget),
            BtfField.At(72, "comm", types.Array(_builder.Char, 16)),
            BtfField.At(88, "numbers", types.Array(_builder.Ulong, 2)),
            BtfField.At(104, "parts", types.Array(part, 2)),
            BtfField.At(112, "siblings", _builder.ListHead),
            BtfField.At(136, "wrapped", wrapper));
    }
}
