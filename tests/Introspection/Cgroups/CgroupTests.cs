using Watari.Introspection.Cgroups;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Cgroups;

public sealed class CgroupTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();

    public CgroupTests()
    {
        _builder.Types.Struct("kernfs_node", 16, BtfField.At(0, "parent", _builder.VoidPointer), BtfField.At(8, "name", _builder.VoidPointer));
        _builder.Types.Struct("cgroup", 16, BtfField.At(0, "level", _builder.Int), BtfField.At(8, "kn", _builder.VoidPointer));
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void A_cgroups_path_begins_below_the_root()
    {
        GuestVirtualAddress root = Node("", null);

        Assert.Equal("/", Path(root));
        using var other = new CgroupTests();
        Assert.Equal("/machine/redis", other.Path(other.Node("redis", other.Node("machine", other.Node("", null)))));
    }

    [Fact]
    public void A_cgroup_that_is_its_own_ancestor_is_an_error()
    {
        GuestVirtualAddress node = Node("loop", null);
        _builder.Put(node, node);

        Assert.Equal("kernfs_node.parent", Assert.Throws<KernelWalkException>(() => Path(node)).Path);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("")]
    public void A_name_that_is_no_directorys_is_an_error(string name) =>
        Assert.Equal("kernfs_node.name", Assert.Throws<KernelWalkException>(() => Path(Node(name, Node("", null)))).Path);

    private GuestVirtualAddress Node(string name, GuestVirtualAddress? parent)
    {
        GuestVirtualAddress node = _builder.Allocate(16), text = _builder.Allocate(32);
        _builder.Put(node, parent ?? GuestVirtualAddress.Null).Put(node + 8, text).Put(text, name);
        return node;
    }

    private string Path(GuestVirtualAddress node)
    {
        GuestVirtualAddress cgroup = _builder.Allocate(16);
        return _builder.Put(cgroup + 8, node).Boot().Attach().At<Cgroup>(cgroup).Path;
    }
}
