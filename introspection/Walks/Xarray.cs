using System.Runtime.CompilerServices;

namespace Watari.Introspection.Walks;

/// <summary>A sparse array of pointers by index: the pages of a file, above all (include/linux/xarray.h).</summary>
[KernelStruct("xarray")]
public readonly partial record struct Xarray
{
    [Field("xa_head")] public partial ulong Head { get; }

    /// <summary>What is stored, by rising index.</summary>
    public XarrayEntries Entries => new(this);
}

/// <summary>An entry of an <see cref="Xarray"/>.</summary>
/// <param name="Index">The first index that it is stored for.</param>
/// <param name="Length">For how many indices it is stored: more than one for a large folio.</param>
/// <param name="Raw">The pointer, or twice a number plus one: a swap or shadow entry of the page cache.</param>
public readonly record struct XarrayEntry(ulong Index, ulong Length, ulong Raw)
{
    public bool IsValue => (Raw & 1) != 0;

    public GuestVirtualAddress Pointer => new(Raw);
}

[KernelStruct("xa_node")]
public readonly partial record struct XarrayNode
{
    [Field] public partial byte Shift { get; }

    [Field] public partial KernelArray<ulong> Slots { get; }
}

/// <summary>A walk through an <see cref="Xarray"/> in order: xas_for_each.</summary>
public struct XarrayEntries
{
    private const int MaxHeight = 11; // 64 bits of index, 6 a node
    private const ulong SmallestPointer = 4096;

    private readonly GuestKernel _kernel;
    private readonly GuestVirtualAddress _array;
    private readonly ulong _head;
    private Stack _stack;
    private int _height;
    private long _left;
    private bool _started;

    internal XarrayEntries(Xarray array)
    {
        _kernel = array.Kernel;
        _array = array.Address;
        _head = array.Head;
        _left = _kernel.Limits.PageTableEntries;
    }

    public XarrayEntry Current { get; private set; }

    public readonly XarrayEntries GetEnumerator() => this;

    public bool MoveNext()
    {
        if (!_started)
        {
            _started = true;
            if (!IsNode(_head))
            {
                return _head != 0 && !IsInternal(_head) && Found(new XarrayEntry(0, 1, _head));
            }

            Descend(_head, 0);
        }

        while (_height > 0)
        {
            _kernel.TakeSteps(1);
            if (--_left < 0) throw Astray($"the array has more than {_kernel.Limits.PageTableEntries} slots");
            ref Frame frame = ref _stack[_height - 1];
            if (frame.Slot >= frame.Slots.Length)
            {
                _height--;
                continue;
            }

            int slot = frame.Slot++;
            ulong entry = frame.Slots[slot];
            ulong index = frame.Index + ((ulong)slot << frame.Shift);
            if (entry == 0) continue;
            if (IsNode(entry))
            {
                Descend(entry, index);
                continue;
            }

            if (IsInternal(entry)) continue; // a sibling without its head, a retry or a zero entry
            int span = 1 + CountSiblings(ref frame, slot);
            return Found(new XarrayEntry(index, (ulong)span << frame.Shift, entry));
        }

        return false;
    }

    private bool Found(XarrayEntry entry)
    {
        Current = entry;
        if (!entry.IsValue) _kernel.Follow(_array, entry.Pointer);
        return true;
    }

    private static bool IsInternal(ulong entry) => (entry & 3) == 2;

    private static bool IsNode(ulong entry) => IsInternal(entry) && entry > SmallestPointer;

    /// <summary>The slots after one that repeat it: each holds the number of the slot that it repeats (xa_is_sibling).</summary>
    private readonly int CountSiblings(ref Frame frame, int slot)
    {
        ulong sibling = ((ulong)slot << 2) | 2;
        int count = 0;
        while (frame.Slot < frame.Slots.Length && frame.Slots[frame.Slot] == sibling)
        {
            _kernel.TakeSteps(1);
            frame.Slot++;
            count++;
        }

        return count;
    }

    private void Descend(ulong entry, ulong index)
    {
        if (_height == MaxHeight) throw Astray($"the array is more than {MaxHeight} nodes deep");
        XarrayNode node = XarrayNode.At(_kernel, new GuestVirtualAddress(entry - 2));
        if (!node.Address.IsKernel) throw Astray($"a node lies at {node.Address}, which is no address of the kernel's");
        int shift = node.Shift;
        if (shift > 63 || (_height > 0 && shift >= _stack[_height - 1].Shift)) throw Astray($"the node at {node.Address} has the shift {shift}, which cannot be below its parent");
        _stack[_height++] = new Frame { Slots = node.Slots, Index = index, Shift = shift };
    }

    private readonly KernelWalkException Astray(string reason) => _kernel.Astray(_array, "xarray.xa_head", reason);

    private struct Frame
    {
        public KernelArray<ulong> Slots;
        public ulong Index;
        public int Shift;
        public int Slot;
    }

    [InlineArray(MaxHeight)]
    private struct Stack
    {
        private Frame _first;
    }
}
