namespace Watari.Introspection.Tests.Build;

/// <summary>Builds page tables in a guest's memory, taking a page for each table as it is needed.</summary>
public sealed class PageTableBuilder
{
    public const ulong Present = 1;
    public const ulong Writable = 2;
    public const ulong User = 4;
    public const ulong Large = 0x80;
    public const ulong ProtNone = 0x100;
    public const ulong SoftDirty = 0x800;
    private const ulong AddressMask = 0x000f_ffff_ffff_f000;

    private readonly GuestMemoryBuilder _guest;
    private readonly PagingMode _mode;

    public PageTableBuilder(GuestMemoryBuilder guest, PagingMode mode)
    {
        _guest = guest;
        _mode = mode;
        Root = guest.TakePage();
    }

    public GuestPhysicalAddress Root { get; }

    public AddressSpace AddressSpace(IntrospectionLimits? limits = null) => new(_guest.Memory, _mode, Root, limits ?? IntrospectionLimits.Default);

    /// <summary>Maps one page of 4 KiB, or at a higher shift a large one.</summary>
    public PageTableBuilder Map(ulong address, ulong physical, ulong flags = Present | User, int shift = GuestPage.Shift) =>
        SetEntry(address, physical | flags | (shift > GuestPage.Shift ? Large : 0), shift);

    /// <summary>Writes the entry at a level, as it is given.</summary>
    public PageTableBuilder SetEntry(ulong address, ulong entry, int shift = GuestPage.Shift)
    {
        GuestPhysicalAddress table = Root;
        for (int at = _mode.RootShift; at > shift; at -= PagingMode.BitsPerLevel)
        {
            GuestPhysicalAddress slot = Slot(table, address, at);
            ulong next = _guest.Memory.Read<ulong>(slot);
            if (next == 0)
            {
                next = _guest.TakePage().Value | Present | Writable | User;
                _guest.Put(slot, next);
            }

            table = new GuestPhysicalAddress(next & AddressMask);
        }

        _guest.Put(Slot(table, address, shift), entry);
        return this;
    }

    private static GuestPhysicalAddress Slot(GuestPhysicalAddress table, ulong address, int shift) =>
        table + ((address >> shift) & 511) * sizeof(ulong);
}
