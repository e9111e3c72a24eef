using System.Runtime.InteropServices;

namespace Watari.Introspection.Paging;

/// <summary>
/// Where a virtual address leads: the page-table entry that ends the walk, the size of what it maps as a power of two, and the
/// physical address if there is memory.
/// </summary>
public readonly record struct PageTranslation(PageTableEntry Entry, int Shift, GuestPhysicalAddress Physical)
{
    public bool IsMapped => Entry.MapsPage;
}

/// <summary>The page tables under one root (a task's <c>mm->pgd</c> or the kernel's <c>swapper_pg_dir</c>), read in place.</summary>
/// <param name="Memory">The guest's RAM.</param>
/// <param name="Mode">Four or five levels.</param>
/// <param name="Root">The physical address of the root table.</param>
/// <param name="Limits">Bounds of a walk.</param>
public readonly record struct AddressSpace(GuestPhysicalMemory Memory, PagingMode Mode, GuestPhysicalAddress Root, IntrospectionLimits Limits)
{
    /// <summary>The kernel, for the look of which the tables are walked; null for tables that no look has found.</summary>
    internal GuestKernel? Kernel { get; init; }

    /// <summary>The kernel's address of the root.</summary>
    internal GuestVirtualAddress RootAddress { get; init; }

    /// <summary>Follows <paramref name="address"/> through the tables.</summary>
    /// <exception cref="GuestMemoryException">A table lies outside RAM.</exception>
    public PageTranslation Translate(GuestVirtualAddress address)
    {
        GuestPhysicalAddress table = Root;
        for (int shift = Mode.RootShift; ; shift -= PagingMode.BitsPerLevel)
        {
            var entry = new PageTableEntry(Memory.Read<ulong>(table + (ulong)PagingMode.Index(address.Value, shift) * sizeof(ulong)));
            bool leaf = shift == GuestPage.Shift || (shift <= PagingMode.LargestLeafShift && entry.IsLarge && entry.MapsPage);
            if (leaf && entry.MapsPage) return new(entry, shift, entry.Page(shift) + (address.Value & ((1UL << shift) - 1)));
            if (leaf || !entry.IsPresent) return new(entry, shift, default);
            table = entry.Table;
        }
    }

    public bool TryTranslate(GuestVirtualAddress address, out GuestPhysicalAddress physical)
    {
        PageTranslation translation = Translate(address);
        physical = translation.Physical;
        return translation.IsMapped;
    }

    /// <summary>Copies what lies at <paramref name="address"/>, up to the first page that is not in memory.</summary>
    /// <returns>How many bytes were copied.</returns>
    public int ReadUpTo(GuestVirtualAddress address, Span<byte> destination)
    {
        int done = 0;
        while (done < destination.Length)
        {
            GuestVirtualAddress at = address + (ulong)done;
            if (!TryTranslate(at, out GuestPhysicalAddress physical)) break;
            int length = Math.Min(destination.Length - done, GuestPage.Size - (int)at.PageOffset);
            Memory.Copy(physical, destination.Slice(done, length));
            done += length;
        }

        return done;
    }

    /// <summary>Copies what lies at <paramref name="address"/>.</summary>
    /// <exception cref="PageNotPresentException">Some of it is not in memory.</exception>
    public void Read(GuestVirtualAddress address, Span<byte> destination)
    {
        int done = ReadUpTo(address, destination);
        if (done < destination.Length) throw new PageNotPresentException(address + (ulong)done);
    }

    /// <summary>
    /// The pages of a range as runs that follow one another without a gap, absent and swapped ones too.
    /// </summary>
    /// <param name="range">Widened to whole pages.</param>
    /// <param name="distinguish">The flags that part one run from the next. Fewer flags make longer runs.</param>
    public PageRuns PageRuns(GuestVirtualRange range, PageFlags distinguish = PageFlags.Writable | PageFlags.SoftDirty | PageFlags.Huge | PageFlags.ProtNone) =>
        new(this, range, distinguish);

    /// <exception cref="KernelWalkException">It is not in RAM.</exception>
    internal ReadOnlySpan<ulong> Table(GuestPhysicalAddress table) => Memory.TryGetSpan(table, GuestPage.Size, out ReadOnlySpan<byte> entries)
        ? MemoryMarshal.Cast<byte, ulong>(entries)
        : throw Astray($"a table lies at {table}, which is not in the guest's RAM");

    internal KernelWalkException Astray(string reason) => Kernel?.Astray(RootAddress, "page tables", reason) ?? new KernelWalkException("page tables", reason);
}
