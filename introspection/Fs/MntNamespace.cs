using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>The mounts that a group of processes sees (fs/mount.h).</summary>
[KernelStruct("mnt_namespace")]
public readonly partial record struct MntNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }

    [Field] public partial Ptr<MountStruct> Root { get; }

    /// <summary>Its mounts: a tree since 2eea9ce4310d, v6.8; before that a list, and a number called mounts.</summary>
    [Embedded("mounts", Optional = true)] public partial RbRoot? MountTree { get; }

    [Embedded("list", Optional = true)] public partial ListHead? MountList { get; }

    public Mounts Mounts => new(this);
}

/// <summary>A walk over the mounts of a namespace: by rising unique id from a tree, in the order of mounting from a list.</summary>
public struct Mounts
{
    private readonly bool _isTree;
    private RbEntries<MountStruct> _tree;
    private ListEntries<MountStruct> _list;

    internal Mounts(MntNamespace space)
    {
        if (space.MountTree is { } tree)
        {
            _isTree = true;
            _tree = tree.Entries<MountStruct>(static mount => mount.MntNode ?? throw Without("mnt_node"));
        }
        else
        {
            ListHead list = space.MountList ?? throw new KernelTypeException("This kernel's mnt_namespace has neither a tree nor a list of mounts.");
            _list = list.Entries<MountStruct>(static mount => mount.MntList ?? throw Without("mnt_list"));
        }
    }

    public readonly MountStruct Current => _isTree ? _tree.Current : _list.Current;

    public readonly Mounts GetEnumerator() => this;

    private static KernelTypeException Without(string node) => new($"This kernel's mount has no {node}: mounts cannot be listed.");

    public bool MoveNext()
    {
        while (_isTree ? _tree.MoveNext() : _list.MoveNext())
        {
            if (!Current.Mnt.Flags.HasFlag(MountFlags.Cursor)) return true;
        }

        return false;
    }
}
