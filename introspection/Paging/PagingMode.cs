namespace Watari.Introspection.Paging;

/// <summary>
/// The shape of x86-64 page tables, as data: from the root's shift down to 12, nine bits a level
/// (arch/x86/include/asm/pgtable_64_types.h; Intel SDM vol. 3, 4.5).
/// </summary>
public sealed record PagingMode
{
    /// <summary>Bits of address that one table resolves: 512 entries of 8 bytes fill a page.</summary>
    public const int BitsPerLevel = 9;

    public const int EntriesPerTable = 1 << BitsPerLevel;

    /// <summary>Entries at this shift and below may map a page themselves: 1 GiB at 30, 2 MiB at 21, 4 KiB at 12.</summary>
    public const int LargestLeafShift = 30;

    private PagingMode(int levels) => Levels = levels;

    public static PagingMode FourLevel { get; } = new(4);

    /// <summary>LA57.</summary>
    public static PagingMode FiveLevel { get; } = new(5);

    public int Levels { get; }

    /// <summary>Bytes that one entry of the root spans, as a power of two: 39 or 48.</summary>
    public int RootShift => GuestPage.Shift + BitsPerLevel * (Levels - 1);

    /// <summary>The first address above user space's half.</summary>
    public GuestVirtualAddress UserEnd => new(1UL << (RootShift + BitsPerLevel - 1));

    internal static int Index(ulong address, int shift) => (int)(address >> shift) & (EntriesPerTable - 1);
}
