namespace Watari.Introspection.Paging;

/// <summary>
/// A small direct-mapped cache from kernel page to frame. One 64-bit word an entry (tag above, frame below), so that threads
/// need no lock: a word is read and written whole.
/// </summary>
internal sealed class TranslationCache
{
    private const int IndexBits = 10;
    private const int FrameBits = 30; // 4 TiB of guest RAM; frames above are looked up each time
    private const ulong FrameMask = (1UL << FrameBits) - 1;

    private readonly ulong[] _entries = new ulong[1 << IndexBits];

    public bool TryGet(GuestVirtualAddress address, out GuestPhysicalAddress physical)
    {
        ulong entry = _entries[Index(address)];
        physical = new GuestPhysicalAddress(((entry & FrameMask) << GuestPage.Shift) | address.PageOffset);
        return entry != 0 && entry >> FrameBits == Tag(address);
    }

    public void Add(GuestVirtualAddress address, GuestPhysicalAddress physical)
    {
        ulong frame = physical.Frame.Value;
        if (frame <= FrameMask) _entries[Index(address)] = (Tag(address) << FrameBits) | frame;
    }

    private static int Index(GuestVirtualAddress address) => (int)(address.Value >> GuestPage.Shift) & ((1 << IndexBits) - 1);

    /// <summary>The 34 bits of a kernel address above the index; the top bits are a sign extension and tell nothing.</summary>
    private static ulong Tag(GuestVirtualAddress address) => (address.Value >> (GuestPage.Shift + IndexBits)) & ((1UL << (64 - FrameBits)) - 1);
}
