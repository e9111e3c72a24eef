using Watari.Introspection.Tests.Build;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Tests.Walks;

public sealed class XarrayTests : IDisposable
{
    private const ulong Page = 0xffff_ea00_0000_0040;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _array;

    public XarrayTests()
    {
        BtfBuilder types = _builder.Types;
        types.Struct("xarray", 16, BtfField.At(8, "xa_head", _builder.VoidPointer));
        types.Struct("xa_node", 576, BtfField.At(0, "shift", types.Int("unsigned char", 1)), BtfField.At(40, "slots", types.Array(_builder.VoidPointer, 64)));
        _array = _builder.Allocate(16);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Entries_come_with_their_index_through_all_levels()
    {
        ulong leaf = Node(0, (0, Page), (63, Page + 64));
        ulong second = Node(0, (1, Page + 128));
        Head(Node(6, (0, leaf), (2, second)));

        Assert.Equal([new XarrayEntry(0, 1, Page), new(63, 1, Page + 64), new(129, 1, Page + 128)], Walk());
    }

    [Fact]
    public void An_array_of_one_entry_has_no_node()
    {
        Head(Page);

        Assert.Equal([new XarrayEntry(0, 1, Page)], Walk());
    }

    [Fact]
    public void A_large_folio_is_one_entry_of_many_pages()
    {
        static ulong SiblingOf(int slot) => (ulong)slot << 2 | 2;
        ulong leaf = Node(0, (4, Page), (5, SiblingOf(4)), (6, SiblingOf(4)), (7, SiblingOf(4)), (8, Page + 64));
        Head(Node(6, (0, leaf), (8, Page + 4096), (9, SiblingOf(8))));

        Assert.Equal([new XarrayEntry(4, 4, Page), new(8, 1, Page + 64), new(512, 128, Page + 4096)], Walk());
    }

    [Fact]
    public void A_number_in_the_array_is_told_from_a_pointer()
    {
        Head(Node(0, (3, 0x1235)));

        Assert.True(Assert.Single(Walk()).IsValue);
    }

    [Fact]
    public void A_node_that_is_not_lower_than_its_parent_is_an_error()
    {
        GuestVirtualAddress node = _builder.Allocate(576, 64);
        _builder.Put(node, (byte)6).Put(node + 40, node.Value | 2);
        Head(node.Value | 2);

        Assert.Contains("shift 6", Assert.Throws<KernelWalkException>(() => Walk()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_outside_memory_is_an_error()
    {
        Head(0xffff_f000_0000_0002);

        Assert.ThrowsAny<IntrospectionException>(() => Walk());
    }

    [Fact]
    public void What_is_stored_for_an_index_is_what_the_walk_comes_by()
    {
        static ulong SiblingOf(int slot) => (ulong)slot << 2 | 2;
        ulong leaf = Node(0, (0, Page), (4, Page + 64), (5, SiblingOf(4)), (6, SiblingOf(4)), (7, SiblingOf(4)), (63, 0x1235));
        Head(Node(6, (0, leaf), (8, Page + 4096), (9, SiblingOf(8))));
        List<XarrayEntry> entries = Walk();
        Xarray array = _builder.Attach().At<Xarray>(_array);

        for (ulong index = 0; index < 5000; index++)
        {
            XarrayEntry[] there = [.. entries.Where(entry => index >= entry.Index && index < entry.Index + entry.Length)];
            bool found = array.TryLoad(index, out ulong first, out ulong raw);
            Assert.Equal(there.Length == 1, found);
            if (found) Assert.Equal((there[0].Index, there[0].Raw), (first, raw));
        }

        Assert.False(array.TryLoad(ulong.MaxValue, out _, out _));
        Head(Page);
        Assert.True(_builder.Attach().At<Xarray>(_array).TryLoad(0, out _, out ulong only));
        Assert.Equal(Page, only);
        Assert.False(_builder.Attach().At<Xarray>(_array).TryLoad(1, out _, out _));
    }

    private ulong Node(byte shift, params (int Slot, ulong Entry)[] slots)
    {
        GuestVirtualAddress node = _builder.Allocate(576, 64);
        _builder.Put(node, shift);
        foreach ((int slot, ulong entry) in slots) _builder.Put(node + 40 + (ulong)slot * 8, entry);
        return node.Value | 2;
    }

    private void Head(ulong entry) => _builder.Put(_array + 8, entry);

    private List<XarrayEntry> Walk()
    {
        var entries = new List<XarrayEntry>();
        foreach (XarrayEntry entry in _builder.Boot().Attach().At<Xarray>(_array).Entries) entries.Add(entry);
        return entries;
    }
}
