using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Walks;

public sealed class ListAndTreeTests : IDisposable
{
    private const int LinkSize = 80;
    private const ulong NodeOffset = 8, HashOffset = 24, BranchOffset = 40;
    private const ulong HlistOffset = 16, TreeOffset = 24;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _links;

    public ListAndTreeTests()
    {
        BtfBuilder types = _builder.Types;
        int hlistHead = types.Struct("hlist_head", 8, BtfField.At(0, "first", _builder.VoidPointer));
        int hlistNode = types.Struct("hlist_node", 16, BtfField.At(0, "next", _builder.VoidPointer), BtfField.At(8, "pprev", _builder.VoidPointer));
        int rbRoot = types.Struct("rb_root", 8, BtfField.At(0, "rb_node", _builder.VoidPointer));
        int rbNode = types.Struct("rb_node", 24, BtfField.At(0, "__rb_parent_color", _builder.Ulong), BtfField.At(8, "rb_right", _builder.VoidPointer), BtfField.At(16, "rb_left", _builder.VoidPointer));
        types.Struct("link", LinkSize, BtfField.At(0, "value", _builder.Long), BtfField.At((int)NodeOffset, "node", _builder.ListHead),
            BtfField.At((int)HashOffset, "hash", hlistNode), BtfField.At((int)BranchOffset, "branch", rbNode));
        types.Struct("links", 32, BtfField.At(0, "list", _builder.ListHead), BtfField.At((int)HlistOffset, "hlist", hlistHead), BtfField.At((int)TreeOffset, "tree", rbRoot));
        _links = _builder.Allocate(32);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void A_list_gives_its_entries_in_order_without_its_head()
    {
        GuestVirtualAddress[] links = NewLinks(1, 2, 3);
        _builder.LinkList(_links, links[0] + NodeOffset, links[1] + NodeOffset, links[2] + NodeOffset);

        Assert.Equal([1L, 2, 3], ListValues());
    }

    [Fact]
    public void An_empty_list_has_no_entries()
    {
        _builder.LinkList(_links);

        Assert.Empty(ListValues());
    }

    [Fact]
    public void A_list_that_never_comes_back_to_its_head_ends_in_an_error_that_names_its_member()
    {
        GuestVirtualAddress[] links = NewLinks(1, 2);
        _builder.LinkList(links[0] + NodeOffset, links[1] + NodeOffset).Put(_links, links[0] + NodeOffset);

        KernelWalkException error = Assert.Throws<KernelWalkException>(() => ListValues(entries: 1000));

        Assert.Equal("link.node", error.Path);
        Assert.Contains("1000", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(0x1000UL)]
    [InlineData(0xffff_8880_ffff_0000UL)]
    [InlineData(ulong.MaxValue)]
    public void A_list_that_leads_out_of_memory_ends_in_an_error(ulong wild)
    {
        GuestVirtualAddress[] links = NewLinks(1);
        _builder.LinkList(_links, links[0] + NodeOffset).Put(links[0] + NodeOffset, wild);

        Assert.Equal("link.node", Assert.Throws<KernelWalkException>(() => ListValues()).Path);
    }

    [Fact]
    public void A_hash_chain_gives_its_entries_up_to_the_null_pointer()
    {
        GuestVirtualAddress[] links = NewLinks(7, 8);
        _builder.Put(_links + HlistOffset, links[0] + HashOffset).Put(links[0] + HashOffset, links[1] + HashOffset);

        Assert.Equal([7L, 8], HlistValues());
    }

    [Fact]
    public void A_hash_chain_that_bites_its_tail_ends_in_an_error()
    {
        GuestVirtualAddress[] links = NewLinks(7);
        _builder.Put(_links + HlistOffset, links[0] + HashOffset).Put(links[0] + HashOffset, links[0] + HashOffset);

        Assert.Equal("link.hash", Assert.Throws<KernelWalkException>(() => HlistValues()).Path);
    }

    [Fact]
    public void A_tree_gives_its_entries_from_left_to_right()
    {
        GuestVirtualAddress[] links = NewLinks(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        PutTree(links, 0, links.Length, GuestVirtualAddress.Null, out GuestVirtualAddress root);
        _builder.Put(_links + TreeOffset, root);

        Assert.Equal(Enumerable.Range(0, 13).Select(i => (long)i), TreeValues());
    }

    [Fact]
    public void A_tree_whose_branch_grows_into_itself_ends_in_an_error()
    {
        GuestVirtualAddress[] links = NewLinks(1, 2);
        _builder.Put(_links + TreeOffset, links[0] + BranchOffset).Put(links[0] + BranchOffset + 16, links[0] + BranchOffset);

        Assert.Equal("link.branch", Assert.Throws<KernelWalkException>(() => TreeValues()).Path);
    }

    [Fact]
    public void A_walk_allocates_nothing()
    {
        GuestVirtualAddress[] links = NewLinks(1, 2, 3);
        _builder.LinkList(_links, links[0] + NodeOffset, links[1] + NodeOffset, links[2] + NodeOffset);
        Links holder = _builder.Boot().Attach().At<Links>(_links);
        long Sum()
        {
            long sum = 0;
            foreach (Link link in holder.List.Entries<Link>(static link => link.Node)) sum += link.Value;
            return sum;
        }

        Sum();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long sum = Sum();
        long after = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(6, sum);
        Assert.Equal(before, after);
    }

    private GuestVirtualAddress[] NewLinks(params long[] values) => [.. values.Select(value =>
    {
        GuestVirtualAddress address = _builder.Allocate(LinkSize);
        _builder.Put(address, value);
        return address;
    })];

    private void PutTree(GuestVirtualAddress[] links, int from, int to, GuestVirtualAddress parent, out GuestVirtualAddress node)
    {
        node = GuestVirtualAddress.Null;
        if (from >= to) return;
        int middle = (from + to) / 2;
        node = links[middle] + BranchOffset;
        PutTree(links, from, middle, node, out GuestVirtualAddress left);
        PutTree(links, middle + 1, to, node, out GuestVirtualAddress right);
        _builder.Put(node, parent.Value | 1).Put(node + 8, right).Put(node + 16, left);
    }

    private Links Attach(int entries) => _builder.Boot().Attach(IntrospectionLimits.Default with { Entries = entries }).At<Links>(_links);

    private List<long> ListValues(int entries = 100)
    {
        var values = new List<long>();
        foreach (Link link in Attach(entries).List.Entries<Link>(static link => link.Node)) values.Add(link.Value);
        return values;
    }

    private List<long> HlistValues()
    {
        var values = new List<long>();
        foreach (Link link in Attach(100).Hlist.Entries<Link>(static link => link.Hash)) values.Add(link.Value);
        return values;
    }

    private List<long> TreeValues()
    {
        var values = new List<long>();
        foreach (Link link in Attach(100).Tree.Entries<Link>(static link => link.Branch)) values.Add(link.Value);
        return values;
    }
}
