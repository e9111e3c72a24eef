using Watari.Introspection.Walks;

namespace Watari.Introspection.Mm;

/// <summary>
/// The areas of a process, by rising address: <c>foreach (VmAreaStruct area in mm.Areas)</c>. From the maple tree, or on older
/// kernels from the list.
/// </summary>
public struct VmAreas
{
    private readonly MmStruct _mm;
    private readonly bool _isList;
    private MapleEntries _tree;
    private Ptr<VmAreaStruct> _next;
    private int _left;

    internal VmAreas(MmStruct mm)
    {
        _mm = mm;
        _left = mm.Kernel.Limits.Entries;
        if (mm.MmMt is { } tree)
        {
            _tree = tree.Entries;
        }
        else
        {
            _isList = true;
            _next = mm.Mmap ?? throw new KernelTypeException("This kernel's mm_struct has neither mm_mt nor mmap: its areas cannot be found.");
        }
    }

    public VmAreaStruct Current { get; private set; }

    public readonly VmAreas GetEnumerator() => this;

    public bool MoveNext() => _isList ? MoveAlongList() : MoveAlongTree();

    private bool MoveAlongTree()
    {
        if (!_tree.MoveNext()) return false;
        MapleEntry entry = _tree.Current;
        Current = VmAreaStruct.At(_mm.Kernel, entry.Pointer);
        // The tree and the area say the same twice; where they differ the guest was changing them, or lies.
        if (Current.VmStart.Value != entry.First || Current.VmEnd.Value != unchecked(entry.Last + 1))
            throw _mm.Kernel.Astray(_mm.Address, "mm_struct.mm_mt", $"the area at {entry.Pointer} is {Current.Range}, but stands in the tree for {entry.First:x}-{entry.Last:x}");
        return true;
    }

    private bool MoveAlongList()
    {
        if (!_next.TryGet(out VmAreaStruct area)) return false;
        _mm.Kernel.TakeSteps(1);
        if (--_left < 0) throw _mm.Kernel.Astray(_mm.Address, "vm_area_struct.vm_next", $"the list does not end within {_mm.Kernel.Limits.Entries} entries");
        Current = area;
        _next = area.VmNext ?? default;
        return true;
    }
}
