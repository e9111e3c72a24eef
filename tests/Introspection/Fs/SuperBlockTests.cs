using Watari.Introspection.Fs;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Fs;

/// <summary>A file system with two mounts.</summary>
public sealed class SuperBlockTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _super, _first, _second;

    public SuperBlockTests()
    {
        _super = _builder.Allocate(16);
        _first = _builder.Allocate(32);
        _second = _builder.Allocate(32);
        _builder.Put(_first, 1).Put(_second, 2);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Mounts_that_are_on_a_list_are_found()
    {
        Types(list: true, "mnt_instance");
        _builder.LinkList(_super, _first + 8, _second + 8);

        Assert.Equal([1, 2], Ids());
    }

    [Fact]
    public void Mounts_that_are_a_chain_are_found()
    {
        Types(list: false, "mnt_next_for_sb");
        _builder.Put(_super, _first).Put(_first + 8, _second);

        Assert.Equal([1, 2], Ids());
    }

    [Fact]
    public void A_chain_without_an_end_is_an_error()
    {
        Types(list: false, "mnt_next_for_sb");
        _builder.Put(_super, _first).Put(_first + 8, _second).Put(_second + 8, _first);

        Assert.Equal("mount.mnt_next_for_sb", Assert.Throws<KernelWalkException>(() => Ids(IntrospectionLimits.Default with { Entries = 100 })).Path);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_kernel_whose_mounts_are_linked_in_another_way_says_so(bool list)
    {
        Types(list, "mnt_otherwise");
        _builder.LinkList(_super, _first + 8);

        Assert.Throws<KernelTypeException>(() => Ids());
    }

    private void Types(bool list, string link)
    {
        _builder.Types.Struct("super_block", 16, BtfField.At(0, "s_mounts", list ? _builder.ListHead : _builder.VoidPointer));
        _builder.Types.Struct("mount", 32, BtfField.At(0, "mnt_id", _builder.Int), BtfField.At(8, link, list ? _builder.ListHead : _builder.VoidPointer));
    }

    private List<int> Ids(IntrospectionLimits? limits = null)
    {
        List<int> ids = [];
        foreach (MountStruct mount in _builder.Boot().Attach(limits).At<SuperBlock>(_super).Mounts) ids.Add(mount.MntId);
        return ids;
    }
}
