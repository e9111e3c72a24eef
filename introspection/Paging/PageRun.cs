namespace Watari.Introspection.Paging;

public enum PageRunKind
{
    /// <summary>Nothing was ever mapped here, or it was dropped: the page reads as zeroes or as its file.</summary>
    Absent,

    /// <summary>The pages lie in RAM, one after another from <see cref="PageRun.Physical"/> on.</summary>
    Present,

    /// <summary>The page is not in RAM but not nothing: swapped out, under migration, a marker. <see cref="PageRun.Entry"/> tells.</summary>
    Swapped,
}

/// <summary>
/// Virtually contiguous pages of one kind; if present, physically contiguous too, and equal in the flags that the walk was
/// asked to tell apart.
/// </summary>
/// <param name="Start">Where the run begins.</param>
/// <param name="Count">How many 4 KiB pages.</param>
/// <param name="Kind">Whether there is memory.</param>
/// <param name="Physical">The first page's address; meaningful for <see cref="PageRunKind.Present"/> alone.</param>
/// <param name="Flags">The flags that were asked for.</param>
/// <param name="Entry">The raw entry of a swapped page (its run is one page long, or one large entry).</param>
public readonly record struct PageRun(
    GuestVirtualAddress Start,
    PageCount Count,
    PageRunKind Kind,
    GuestPhysicalAddress Physical,
    PageFlags Flags,
    PageTableEntry Entry)
{
    public GuestVirtualRange Range => new(Start, Start + (ulong)Count.Bytes);
}
