namespace Watari.Introspection.Walks;

/// <summary>A red-black tree (include/linux/rbtree_types.h).</summary>
[KernelStruct("rb_root")]
public readonly partial record struct RbRoot
{
    [Field("rb_node")] public partial GuestVirtualAddress Node { get; }

    /// <summary>The structures of the tree in its order, by the node that each has in it.</summary>
    public RbEntries<T> Entries<T>(Func<T, RbNode> node) where T : struct, IKernelStruct<T> =>
        new(this, node(T.At(Kernel, default)).Address.Value);
}

[KernelStruct("rb_node")]
public readonly partial record struct RbNode
{
    private const ulong ColorMask = 3;

    [Field("__rb_parent_color")] public partial ulong ParentColor { get; }

    [Field("rb_left")] public partial GuestVirtualAddress Left { get; }

    [Field("rb_right")] public partial GuestVirtualAddress Right { get; }

    public GuestVirtualAddress Parent => new(ParentColor & ~ColorMask);
}

/// <summary>A walk through a <see cref="RbRoot"/> in order, by the parents' pointers, without a stack: rb_first, rb_next.</summary>
public struct RbEntries<T> where T : struct, IKernelStruct<T>
{
    private readonly RbRoot _tree;
    private readonly ulong _nodeOffset;
    private readonly GuestVirtualAddress _root;
    private GuestVirtualAddress _node;
    private int _steps;

    internal RbEntries(RbRoot tree, ulong nodeOffset)
    {
        _tree = tree;
        _nodeOffset = nodeOffset;
        _root = tree.Node;
        _steps = tree.Kernel.Limits.Entries;
    }

    public readonly T Current => T.At(_tree.Kernel, _node - _nodeOffset);

    public readonly RbEntries<T> GetEnumerator() => this;

    public bool MoveNext()
    {
        GuestVirtualAddress next = _node.IsNull ? First() : Next();
        if (next.IsNull) return false;
        _node = next;
        _tree.Kernel.FollowNode<T>(_tree.Address, _node - _nodeOffset, _nodeOffset);
        return true;
    }

    private GuestVirtualAddress First() => _root.IsNull ? _root : Leftmost(_root);

    private GuestVirtualAddress Next()
    {
        RbNode node = Node(_node);
        if (!node.Right.IsNull) return Leftmost(node.Right);
        GuestVirtualAddress parent = node.Parent;
        while (!parent.IsNull && Node(parent).Right == node.Address)
        {
            Step();
            node = Node(parent);
            parent = node.Parent;
        }

        if (!parent.IsNull) Step();
        return parent;
    }

    private GuestVirtualAddress Leftmost(GuestVirtualAddress node)
    {
        for (GuestVirtualAddress left = Node(node).Left; !left.IsNull; left = Node(node).Left)
        {
            Step();
            node = left;
        }

        Step();
        return node;
    }

    private readonly RbNode Node(GuestVirtualAddress address) => RbNode.At(_tree.Kernel, address);

    private void Step()
    {
        _tree.Kernel.TakeSteps(1);
        if (--_steps < 0) throw NodeWalk.Broken<T>(_tree.Kernel, _tree.Address, _nodeOffset, $"the tree does not end within {_tree.Kernel.Limits.Entries} steps");
    }
}
