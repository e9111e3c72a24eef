namespace Watari.Introspection.Walks;

/// <summary>A list that ends in a null pointer, as in hash tables (include/linux/types.h, include/linux/list.h).</summary>
[KernelStruct("hlist_head")]
public readonly partial record struct HlistHead
{
    [Field] public partial GuestVirtualAddress First { get; }

    public bool IsEmpty => First.IsNull;

    /// <inheritdoc cref="ListHead.Entries{T}"/>
    public HlistEntries<T> Entries<T>(Func<T, HlistNode> node) where T : struct, IKernelStruct<T> =>
        new(Kernel, First, node(T.At(Kernel, default)).Address.Value);
}

[KernelStruct("hlist_node")]
public readonly partial record struct HlistNode
{
    [Field] public partial GuestVirtualAddress Next { get; }

    /// <summary>What points to this node; null while it is on no list.</summary>
    [Field] public partial GuestVirtualAddress Pprev { get; }
}

/// <summary>A walk along a <see cref="HlistHead"/>: hlist_for_each_entry.</summary>
public struct HlistEntries<T> where T : struct, IKernelStruct<T>
{
    private readonly GuestKernel _kernel;
    private readonly ulong _nodeOffset;
    private GuestVirtualAddress _node;
    private GuestVirtualAddress _next;
    private int _left;

    internal HlistEntries(GuestKernel kernel, GuestVirtualAddress first, ulong nodeOffset)
    {
        _kernel = kernel;
        _nodeOffset = nodeOffset;
        _next = first;
        _left = kernel.Limits.Entries;
    }

    public readonly T Current => T.At(_kernel, _node - _nodeOffset);

    public readonly HlistEntries<T> GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_next.IsNull) return false;
        if (--_left < 0) throw NodeWalk.Broken<T>(_kernel, _nodeOffset, $"the list does not end within {_kernel.Limits.Entries} entries");
        _node = _next;
        _next = NodeWalk.Next<T>(_kernel, _node, _nodeOffset);
        return true;
    }
}
