namespace Watari.Introspection.Walks;

/// <summary>A circular doubly linked list or a node of one (include/linux/types.h, include/linux/list.h).</summary>
[KernelStruct("list_head")]
public readonly partial record struct ListHead
{
    [Field] public partial GuestVirtualAddress Next { get; }

    [Field] public partial GuestVirtualAddress Prev { get; }

    public bool IsEmpty => Next == Address;

    /// <summary>
    /// The structures on the list of which this is the head, by the node that each has in it:
    /// <c>init.Tasks.Entries&lt;TaskStruct&gt;(task => task.Tasks)</c>. The head itself is not among them.
    /// </summary>
    public ListEntries<T> Entries<T>(Func<T, ListHead> node) where T : struct, IKernelStruct<T> =>
        new(this, node(T.At(Kernel, default)).Address.Value);
}

/// <summary>A walk along a <see cref="ListHead"/>: list_for_each_entry.</summary>
public struct ListEntries<T> where T : struct, IKernelStruct<T>
{
    private readonly ListHead _head;
    private readonly ulong _nodeOffset;
    private GuestVirtualAddress _node;
    private GuestVirtualAddress _next;
    private int _left;

    internal ListEntries(ListHead head, ulong nodeOffset)
    {
        _head = head;
        _nodeOffset = nodeOffset;
        _next = NodeWalk.Next<T>(head.Kernel, head.Address, head.Address, nodeOffset);
        _left = head.Kernel.Limits.Entries;
    }

    public readonly T Current => T.At(_head.Kernel, _node - _nodeOffset);

    public readonly ListEntries<T> GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_next == _head.Address) return false;
        if (_next.IsNull) throw NodeWalk.Broken<T>(_head.Kernel, _head.Address, _nodeOffset, $"the list ends in a null pointer after {_node}");
        if (--_left < 0) throw NodeWalk.Broken<T>(_head.Kernel, _head.Address, _nodeOffset, $"the list does not come back to its head within {_head.Kernel.Limits.Entries} entries");
        _node = _next;
        _next = NodeWalk.Next<T>(_head.Kernel, _head.Address, _node, _nodeOffset);
        _head.Kernel.FollowNode<T>(_head.Address, _node - _nodeOffset, _nodeOffset);
        return true;
    }
}
