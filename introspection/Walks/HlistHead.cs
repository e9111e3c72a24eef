namespace Watari.Introspection.Walks;

/// <summary>A list that ends in a null pointer, as in hash tables (include/linux/types.h, include/linux/list.h).</summary>
[KernelStruct("hlist_head")]
public readonly partial record struct HlistHead
{
    [Field] public partial GuestVirtualAddress First { get; }

    public bool IsEmpty => First.IsNull;

    /// <inheritdoc cref="ListHead.Entries{T}"/>
    public HlistEntries<T> Entries<T>(Func<T, HlistNode> node) where T : struct, IKernelStruct<T> =>
        new(this, node(T.At(Kernel, default)).Address.Value);
}

[KernelStruct("hlist_node")]
public readonly partial record struct HlistNode
{
    [Field] public partial GuestVirtualAddress Next { get; }
}

/// <summary>A walk along a <see cref="HlistHead"/>: hlist_for_each_entry.</summary>
public struct HlistEntries<T> where T : struct, IKernelStruct<T>
{
    private readonly HlistHead _head;
    private readonly ulong _nodeOffset;
    private GuestVirtualAddress _node;
    private GuestVirtualAddress _next;
    private int _left;

    internal HlistEntries(HlistHead head, ulong nodeOffset)
    {
        _head = head;
        _nodeOffset = nodeOffset;
        _next = head.First;
        _left = head.Kernel.Limits.Entries;
    }

    public readonly T Current => T.At(_head.Kernel, _node - _nodeOffset);

    public readonly HlistEntries<T> GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_next.IsNull) return false;
        if (--_left < 0) throw NodeWalk.Broken<T>(_head.Kernel, _head.Address, _nodeOffset, $"the list does not end within {_head.Kernel.Limits.Entries} entries");
        _node = _next;
        _next = NodeWalk.Next<T>(_head.Kernel, _head.Address, _node, _nodeOffset);
        _head.Kernel.FollowNode<T>(_head.Address, _node - _nodeOffset, _nodeOffset);
        return true;
    }
}
