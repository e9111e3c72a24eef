namespace Watari.Introspection.Paging;

/// <summary>One entry of a page table, at any level (arch/x86/include/asm/pgtable_types.h).</summary>
public readonly record struct PageTableEntry(ulong Raw)
{
    private const ulong PresentBit = 1 << 0;
    private const ulong WritableBit = 1 << 1;
    private const ulong DirtyBit = 1 << 6;
    private const ulong LargeBit = 1 << 7;
    private const ulong ProtNoneBit = 1 << 8; // _PAGE_BIT_PROTNONE = _PAGE_BIT_GLOBAL, in entries that are not present
    private const ulong SoftDirtyBit = 1 << 11;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;

    public bool IsNone => Raw == 0;

    /// <summary>The processor follows it.</summary>
    public bool IsPresent => (Raw & PresentBit) != 0;

    /// <summary>It maps a page that the processor must fault on (PROT_NONE, NUMA balancing); the page is there for the kernel.</summary>
    public bool IsProtNone => (Raw & (PresentBit | ProtNoneBit)) == ProtNoneBit;

    /// <summary>It maps a page, reachable by the processor or not.</summary>
    public bool MapsPage => (Raw & (PresentBit | ProtNoneBit)) != 0;

    /// <summary>Above the lowest level: it maps a large page itself instead of pointing to a table.</summary>
    public bool IsLarge => (Raw & LargeBit) != 0;

    /// <summary>The table that a present, not large entry points to.</summary>
    public GuestPhysicalAddress Table => new(Raw & AddressMask);

    /// <summary>The page that the entry maps at a level of this shift.</summary>
    public GuestPhysicalAddress Page(int shift)
    {
        // Entries that are not present hold the inverted frame number, so that a speculating processor finds no memory there
        // (arch/x86/include/asm/pgtable-invert.h, 6b28baca9b1f, v4.19).
        ulong raw = IsPresent ? Raw : ~Raw;
        return new(raw & AddressMask & ~((1UL << shift) - 1));
    }

    public PageFlags Flags =>
        ((Raw & WritableBit) != 0 ? PageFlags.Writable : 0)
        | ((Raw & DirtyBit) != 0 ? PageFlags.Dirty : 0)
        | ((Raw & SoftDirtyBit) != 0 ? PageFlags.SoftDirty : 0)
        | (IsPresent ? 0 : PageFlags.ProtNone);

    /// <summary>The bits by which present entries differ in where they lead, or in one of these flags.</summary>
    internal static ulong Significant(PageFlags flags) =>
        PresentBit | AddressMask
        | (flags.HasFlag(PageFlags.Writable) ? WritableBit : 0)
        | (flags.HasFlag(PageFlags.Dirty) ? DirtyBit : 0)
        | (flags.HasFlag(PageFlags.SoftDirty) ? SoftDirtyBit : 0);

    public override string ToString() => $"pte 0x{Raw:x16}";
}
