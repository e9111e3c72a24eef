using System.Runtime.CompilerServices;

namespace Watari.Introspection.Walks;

/// <summary>
/// A tree of ranges (include/linux/maple_tree.h, since v6.1). A pointer to a node carries the node's type in
/// its low bits; nodes are 256 bytes, aligned.
/// </summary>
[KernelStruct("maple_tree")]
public readonly partial record struct MapleTree
{
    [Field("ma_root")] public partial ulong Root { get; }

    /// <summary>The pointers that are stored in the tree, by rising index.</summary>
    public MapleEntries Entries => new(this);
}

/// <summary>A pointer stored in a maple tree, and the indices it is stored for, both included.</summary>
public readonly record struct MapleEntry(ulong First, ulong Last, GuestVirtualAddress Pointer);

/// <summary>Nodes of indices with values up to 2^64: leaves and, with the same layout, inner nodes (maple_leaf_64, maple_range_64).</summary>
[KernelStruct("maple_range_64")]
public readonly partial record struct MapleRange64
{
    [Field] public partial KernelArray<ulong> Pivot { get; }

    [Field] public partial KernelArray<ulong> Slot { get; }
}

/// <summary>Inner nodes of a tree that also keeps track of gaps (maple_arange_64).</summary>
[KernelStruct("maple_arange_64")]
public readonly partial record struct MapleArange64
{
    [Field] public partial KernelArray<ulong> Pivot { get; }

    [Field] public partial KernelArray<ulong> Slot { get; }
}

/// <summary>A walk through a <see cref="MapleTree"/> in order, its way down kept in place: mas_for_each.</summary>
public struct MapleEntries
{
    private const int MaxHeight = 16; // 10 slots a node at least, so far more than memory holds; MAPLE_HEIGHT_MAX is 31
    private const ulong NodeMask = 0xff;
    private const ulong SmallestPointer = 4096;

    private readonly GuestKernel _kernel;
    private readonly GuestVirtualAddress _tree;
    private readonly ulong _root;
    private Stack _stack;
    private int _height;
    private int _left;
    private bool _started;

    internal MapleEntries(MapleTree tree)
    {
        _kernel = tree.Kernel;
        _tree = tree.Address;
        _root = tree.Root;
        _left = _kernel.Limits.Entries;
    }

    public MapleEntry Current { get; private set; }

    public readonly MapleEntries GetEnumerator() => this;

    public bool MoveNext()
    {
        if (!_started)
        {
            _started = true;
            if (!IsNode(_root))
            {
                // A tree with one entry, for index 0, has no node.
                return _root != 0 && !IsInternal(_root) && Found(0, 0, _root);
            }

            Descend(_root, 0, ulong.MaxValue);
        }

        while (_height > 0)
        {
            _kernel.TakeSteps(1);
            if (--_left < 0) throw Astray($"the tree has more than {_kernel.Limits.Entries} slots");
            ref Frame frame = ref _stack[_height - 1];
            if (frame.Done || frame.Slot >= frame.Slots.Length)
            {
                _height--;
                continue;
            }

            ulong first = frame.Next;
            ulong last = frame.Slot < frame.Pivots.Length ? frame.Pivots[frame.Slot] : frame.Last;
            // Pivots after the last one in use are 0; a node's own end bounds them all.
            if ((last == 0 && frame.Slot > 0) || last > frame.Last) last = frame.Last;
            ulong entry = frame.Slots[frame.Slot];
            frame.Slot++;
            frame.Done = last >= frame.Last;
            if (last < first) throw Astray($"the pivots of the node at {frame.Address} fall");
            frame.Next = unchecked(last + 1);

            if (entry == 0) continue;
            if (!frame.IsLeaf)
            {
                Descend(entry, first, last);
                continue;
            }

            if (IsInternal(entry)) continue; // a zero entry, or one that marks a move
            return Found(first, last, entry);
        }

        return false;
    }

    private bool Found(ulong first, ulong last, ulong entry)
    {
        Current = new MapleEntry(first, last, new GuestVirtualAddress(entry));
        _kernel.Follow(_tree, Current.Pointer);
        return true;
    }

    /// <summary>An entry that is the tree's own, not what its user stored (xa_is_internal).</summary>
    private static bool IsInternal(ulong entry) => (entry & 3) == 2;

    private static bool IsNode(ulong entry) => IsInternal(entry) && entry > SmallestPointer;

    private void Descend(ulong node, ulong first, ulong last)
    {
        if (_height == MaxHeight) throw Astray($"the tree is more than {MaxHeight} nodes deep");
        ulong type = (node >> 3) & 0xf;
        var address = new GuestVirtualAddress(node & ~NodeMask);
        if (!address.IsKernel) throw Astray($"a node lies at {address}, which is no address of the kernel's");
        ref Frame frame = ref _stack[_height++];
        frame = new Frame { Address = address, Next = first, Last = last, IsLeaf = type == 1 };
        switch (type)
        {
            case 1 or 2:
                MapleRange64 range = MapleRange64.At(_kernel, address);
                frame.Pivots = range.Pivot;
                frame.Slots = range.Slot;
                break;
            case 3:
                MapleArange64 arange = MapleArange64.At(_kernel, address);
                frame.Pivots = arange.Pivot;
                frame.Slots = arange.Slot;
                break;
            default:
                throw Astray($"the node at {address} is of the type {type}, which trees of ranges do not have");
        }
    }

    private readonly KernelWalkException Astray(string reason) => _kernel.Astray(_tree, "maple_tree.ma_root", reason);

    private struct Frame
    {
        public GuestVirtualAddress Address;
        public KernelArray<ulong> Pivots;
        public KernelArray<ulong> Slots;
        public ulong Next;
        public ulong Last;
        public int Slot;
        public bool IsLeaf;
        public bool Done;
    }

    [InlineArray(MaxHeight)]
    private struct Stack
    {
        private Frame _first;
    }
}
