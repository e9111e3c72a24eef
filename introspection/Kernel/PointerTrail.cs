namespace Watari.Introspection.Kernel;

/// <summary>
/// The pointers that a look has followed last, from which an error tells the members that led to it. For one thread; where several
/// share one, its paths may be mixed.
/// </summary>
/// <param name="length">How many are remembered, a power of two.</param>
internal sealed class PointerTrail(int length = PointerTrail.UsualLength)
{
    /// <summary>Enough for the way to a file of an area of a thread, with what was read beside it.</summary>
    private const int UsualLength = 256;

    /// <summary>Names of one path: a guest can lead in circles, and has chosen the names of members itself.</summary>
    private const int MostNames = 16;

    private readonly Pointer[] _pointers = new Pointer[length];
    private uint _followed;

    /// <summary>Those that are remembered, the last one first.</summary>
    public IEnumerable<Pointer> Pointers
    {
        get
        {
            uint count = Math.Min(_followed, (uint)_pointers.Length);
            for (uint back = 1; back <= count; back++) yield return _pointers[(_followed - back) & ((uint)_pointers.Length - 1)];
        }
    }

    public void Add(Pointer pointer) => _pointers[_followed++ & ((uint)_pointers.Length - 1)] = pointer;

    /// <summary>The members that led to an address, as far as they are remembered, before one that is read there.</summary>
    public string PathTo(BtfTypes types, GuestVirtualAddress address, string member)
    {
        List<string> names = [member];
        foreach (Pointer pointer in Pointers)
        {
            if (pointer.To != address) continue;
            address = pointer.From;
            // A list's head and the nodes on it bear the same name; so does a place that was looked at twice.
            if (pointer.Name(types) is not { } name || name == names[^1]) continue;
            names.Add(names.Count < MostNames ? name : "…");
            if (names.Count > MostNames) break;
        }

        names.Reverse();
        return string.Join(" -> ", names);
    }

    /// <summary>One step from structure to structure.</summary>
    /// <param name="From">The structure that the pointer stands in; of a list, its head.</param>
    /// <param name="To">Where it leads.</param>
    /// <param name="Slot">The member's, or of a list that of the size of the structures on it.</param>
    /// <param name="Node">Of a list, where in the structure its node lies.</param>
    internal readonly record struct Pointer(GuestVirtualAddress From, GuestVirtualAddress To, int Slot, int Node)
    {
        /// <summary>The slot of a pointer that is no member but one of an array or tree.</summary>
        public const int Nameless = -1;
        public const int NoNode = -1;

        /// <summary>The member in the kernel's own words; null where it has no name.</summary>
        public string? Name(BtfTypes types) => Slot == Nameless ? null
            : Node == NoNode ? KernelLayout.PathOf(Slot)
            : Walks.NodeWalk.PathOf(types, KernelStructDescriptor.OfSlot(Slot), (ulong)Node);
    }
}
