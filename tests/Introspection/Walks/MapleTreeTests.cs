using Watari.Introspection.Tests.Build;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Tests.Walks;

public sealed class MapleTreeTests : IDisposable
{
    private const int Leaf = 1, Range = 2, Arange = 3;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _tree;

    public MapleTreeTests()
    {
        BtfBuilder types = _builder.Types;
        types.Struct("maple_tree", 16, BtfField.At(8, "ma_root", _builder.VoidPointer));
        types.Struct("maple_range_64", 256, BtfField.At(8, "pivot", types.Array(_builder.Ulong, 15)), BtfField.At(128, "slot", types.Array(_builder.VoidPointer, 16)));
        types.Struct("maple_arange_64", 256, BtfField.At(8, "pivot", types.Array(_builder.Ulong, 9)), BtfField.At(80, "slot", types.Array(_builder.VoidPointer, 10)));
        _tree = _builder.Allocate(16);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void A_leaf_gives_the_ranges_that_hold_something()
    {
        Root(Node(Leaf, (0x1000, 0), (0x1fff, 0xaaa0), (0x4fff, 0), (ulong.MaxValue, 0xbbb0)));

        Assert.Equal([(0x1001UL, 0x1fffUL, 0xaaa0UL), (0x5000UL, ulong.MaxValue, 0xbbb0UL)], Walk());
    }

    [Fact]
    public void Inner_nodes_of_both_kinds_lead_on_and_bound_what_is_below()
    {
        ulong low = Node(Leaf, (0xfff, 0x10), (0x1fff, 0x20));
        ulong high = Node(Leaf, (0x2fff, 0x30), (0, 0x40)); // the last in use ends with its node
        Root(Node(Arange, (0x1fff, low), (ulong.MaxValue, Node(Range, (0x5fff, high), (ulong.MaxValue, 0)))));

        Assert.Equal([(0UL, 0xfffUL, 0x10UL), (0x1000UL, 0x1fffUL, 0x20UL), (0x2000UL, 0x2fffUL, 0x30UL), (0x3000UL, 0x5fffUL, 0x40UL)], Walk());
    }

    [Fact]
    public void A_full_leaf_is_read_to_its_last_slot()
    {
        Root(Node(Leaf, [.. Enumerable.Range(1, 15).Select(i => ((ulong)i * 0x10 - 1, (ulong)i * 0x100)), (ulong.MaxValue, 0x1000UL)]));

        List<(ulong First, ulong Last, ulong Pointer)> entries = Walk();

        Assert.Equal(16, entries.Count);
        Assert.Equal((0xf0UL, ulong.MaxValue, 0x1000UL), entries[^1]);
    }

    [Fact]
    public void An_empty_tree_and_a_tree_of_one_entry_have_no_node()
    {
        Root(0);
        Assert.Empty(Walk());

        using var other = new MapleTreeTests();
        other.Root(0xffff_8880_0000_1000);
        Assert.Equal([(0UL, 0UL, 0xffff_8880_0000_1000UL)], other.Walk());
    }

    [Fact]
    public void Marks_of_the_tree_itself_are_no_entries()
    {
        Root(Node(Leaf, (0xfff, 0x406), (ulong.MaxValue, 0x10)));

        Assert.Equal([(0x1000UL, ulong.MaxValue, 0x10UL)], Walk());
    }

    [Theory]
    [InlineData(0)]  // maple_dense
    [InlineData(4)]
    [InlineData(15)]
    public void A_node_of_an_absurd_type_is_an_error(int type)
    {
        Root(Node(type, (ulong.MaxValue, 0x10)));

        Assert.Contains($"type {type}", Assert.Throws<KernelWalkException>(() => Walk()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_holds_itself_is_an_error()
    {
        GuestVirtualAddress node = _builder.Allocate(256, 256);
        ulong self = node.Value | Range << 3 | 2;
        _builder.Put(node + 128, self);
        Root(self);

        Assert.Throws<KernelWalkException>(() => Walk());
    }

    [Fact]
    public void Pivots_that_fall_are_an_error()
    {
        Root(Node(Leaf, (0x5000, 0x10), (0x4000, 0x20), (ulong.MaxValue, 0)));

        Assert.Contains("pivots", Assert.Throws<KernelWalkException>(() => Walk()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xffff_f000_0000_0000UL | Leaf << 3 | 2)] // no memory there
    [InlineData(0x7fff_0000_0000UL | Leaf << 3 | 2)]      // a user address
    public void A_node_outside_kernel_memory_is_an_error(ulong node)
    {
        Root(node);

        Assert.ThrowsAny<IntrospectionException>(() => Walk());
    }

    private ulong Node(int type, params (ulong Pivot, ulong Slot)[] slots)
    {
        GuestVirtualAddress node = _builder.Allocate(256, 256);
        (int pivots, ulong slotAt) = type == Arange ? (9, 80UL) : (15, 128UL);
        for (int i = 0; i < slots.Length; i++)
        {
            if (i < pivots) _builder.Put(node + 8 + (ulong)i * 8, slots[i].Pivot);
            _builder.Put(node + slotAt + (ulong)i * 8, slots[i].Slot);
        }

        return node.Value | (ulong)type << 3 | 2;
    }

    private void Root(ulong entry) => _builder.Put(_tree + 8, entry);

    private List<(ulong First, ulong Last, ulong Pointer)> Walk()
    {
        var entries = new List<(ulong, ulong, ulong)>();
        GuestKernel kernel = _builder.Boot().Attach(IntrospectionLimits.Default with { Entries = 1000 });
        foreach (MapleEntry entry in kernel.At<MapleTree>(_tree).Entries) entries.Add((entry.First, entry.Last, entry.Pointer.Value));
        return entries;
    }
}
