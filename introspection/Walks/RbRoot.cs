namespace Watari.Introspection.Walks;

/// <summary>A red-black tree (include/linux/rbtree_types.h).</summary>
[KernelStruct("rb_root")]
public readonly partial record struct RbRoot
{
    [Field("rb_node")] public partial GuestVirtualAddress Node { get; }

    /// <summary>The structures of the tree in its order, by the node that each has in it.</summary>
    public RbEntries<T> Entries<T>(Func<T, RbNode> node) where T : struct, IKernelStruct<T> =>
        new(Kernel, Node, node(T.At(Kernel, default)).Address.Value);
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
    private readonly GuestKernel _kernel;
    private readonly ulong _nodeOffset;
    private readonly GuestVirtualAddress _root;
    private GuestVirtualAddress _node;
    private int _steps;

    internal RbEntries(GuestKernel kernel, GuestVirtualAddress root, ulong nodeOffset)
    {
        _kernel = kernel;
        _nodeOffset = nodeOffset;
        _root = root;
        _steps = kernel.Limits.Entries;
    }

    public readonly T Current => T.At(_kernel, _node - _nodeOffset);

    public readonly RbEntries<T> GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_node.IsNull)
        {
            if (_root.IsNull) return false;
            _node = Leftmost(_root);
            return true;
        }

        RbNode node = RbNode.At(_kernel, _node);
        if (!node.Right.IsNull)
        {
            _node = Leftmost(node.Right);
            return true;
        }

        GuestVirtualAddress parent = node.Parent;
        while (!parent.IsNull && RbNode.At(_kernel, parent).Right == node.Address)
        {
            Step();
            node = RbNode.At(_kernel, parent);
            parent = node.Parent;
        }

        if (parent.IsNull) return false;
        Step();
        _node = parent;
        return true;
    }

    private GuestVirtualAddress Leftmost(GuestVirtualAddress node)
    {
        for (GuestVirtualAddress left = RbNode.At(_kernel, node).Left; !left.IsNull; left = RbNode.At(_kernel, node).Left)
        {
            Step();
            node = left;
        }

        Step();
        return node;
    }

    private void Step()
    {
        if (--_steps < 0) throw NodeWalk.Broken<T>(_kernel, _nodeOffset, $"the tree does not end within {_kernel.Limits.Entries} steps");
    }
}
