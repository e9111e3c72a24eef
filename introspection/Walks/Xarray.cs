using System.Runtime.CompilerServices;

namespace Watari.Introspection.Walks;

/// <summary>A sparse array of pointers by index: the pages of a file, above all (include/linux/xarray.h).</summary>
[KernelStruct("xarray")]
public readonly partial record struct Xarray
{
    internal const int MaxHeight = 11; // 64 bits of index, 6 a node
    private const ulong SlotsOfNode = 64;
    private const ulong SmallestPointer = 4096;

    [Field("xa_head")] public partial ulong Head { get; }

    /// <summary>What is stored, by rising index.</summary>
    public XarrayEntries Entries => new(this);

    /// <summary>What is stored for an index: xa_load.</summary>
    /// <param name="first">The first index that it is stored for.</param>
    /// <param name="raw">As <see cref="XarrayEntry.Raw"/>.</param>
    /// <returns>False where nothing is stored.</returns>
    /// <exception cref="KernelWalkException">The array leads astray.</exception>
    public bool TryLoad(ulong index, out ulong first, out ulong raw)
    {
        first = 0;
        raw = Head;
        if (!IsNode(raw)) return index == 0 && raw != 0 && !IsInternal(raw);
        for (int height = 0, shift = 0; IsNode(raw); height++)
        {
            Kernel.TakeSteps(1);
            XarrayNode node = Node(raw, height, shift);
            shift = node.Shift;
            if (height == 0 && index >> shift >= SlotsOfNode) return false; // the array ends before it
            ulong slot = (index >> shift) % SlotsOfNode;
            raw = node.Slots[(int)slot];
            // What is stored for several slots is in the first of them.
            if (IsInternal(raw) && raw >> 2 < slot) raw = node.Slots[(int)(slot = raw >> 2)];
            first += slot << shift;
        }

        return raw != 0 && !IsInternal(raw);
    }

    internal static bool IsInternal(ulong entry) => (entry & 3) == 2;

    internal static bool IsNode(ulong entry) => IsInternal(entry) && entry > SmallestPointer;

    internal XarrayNode Node(ulong entry, int height, int shiftAbove)
    {
        if (height == MaxHeight) throw Astray($"the array is more than {MaxHeight} nodes deep");
        XarrayNode node = XarrayNode.At(Kernel, new GuestVirtualAddress(entry - 2));
        if (!node.Address.IsKernel) throw Astray($"a node lies at {node.Address}, which is no address of the kernel's");
        int shift = node.Shift;
        if (shift > 63 || (height > 0 && shift >= shiftAbove)) throw Astray($"the node at {node.Address} has the shift {shift}, which cannot be below its parent");
        return node;
    }

    internal KernelWalkException Astray(string reason) => Kernel.Astray(Address, "xarray.xa_head", reason);
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
    private readonly GuestKernel _kernel;
    private readonly Xarray _array;
    private readonly ulong _head;
    private Stack _stack;
    private int _height;
    private long _left;
    private bool _started;

    internal XarrayEntries(Xarray array)
    {
        _kernel = array.Kernel;
        _array = array;
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
            if (!Xarray.IsNode(_head))
            {
                return _head != 0 && !Xarray.IsInternal(_head) && Found(new XarrayEntry(0, 1, _head));
            }

            Descend(_head, 0);
        }

        while (_height > 0)
        {
            _kernel.TakeSteps(1);
            if (--_left < 0) throw _array.Astray($"the array has more than {_kernel.Limits.PageTableEntries} slots");
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
            if (Xarray.IsNode(entry))
            {
                Descend(entry, index);
                continue;
            }

            if (Xarray.IsInternal(entry)) continue; // a sibling without its head, a retry or a zero entry
            int span = 1 + CountSiblings(ref frame, slot);
            return Found(new XarrayEntry(index, (ulong)span << frame.Shift, entry));
        }

        return false;
    }

    private bool Found(XarrayEntry entry)
    {
        Current = entry;
        if (!entry.IsValue) _kernel.Follow(_array.Address, entry.Pointer);
        return true;
    }

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
        XarrayNode node = _array.Node(entry, _height, _height > 0 ? _stack[_height - 1].Shift : 0);
        _stack[_height++] = new Frame { Slots = node.Slots, Index = index, Shift = node.Shift };
    }

    private struct Frame
    {
        public KernelArray<ulong> Slots;
        public ulong Index;
        public int Shift;
        public int Slot;
    }

    [InlineArray(Xarray.MaxHeight)]
    private struct Stack
    {
        private Frame _first;
    }
}
