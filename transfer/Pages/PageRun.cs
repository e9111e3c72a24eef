using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Transfer;

/// <summary>
/// Pages that follow each other both in an address space and in this process's memory, to be sent from where they lie.
/// </summary>
/// <remarks>
/// It holds an address and not a span because a batch of runs is handed to the kernel in one gather call. The memory
/// must not move (a mapping of guest RAM, native memory or a pinned array) and must stay mapped until the transfer ends.
/// </remarks>
public readonly unsafe struct PageRun
{
    private readonly byte* _start;

    private PageRun(AddressSpaceId space, VirtualPage first, byte* start, PageCount count)
    {
        Space = space;
        First = first;
        Count = count;
        _start = start;
    }

    public AddressSpaceId Space { get; }

    public VirtualPage First { get; }

    public PageCount Count { get; }

    internal byte* Start => _start;

    /// <summary>A run over memory that does not move.</summary>
    /// <param name="space">The address space.</param>
    /// <param name="first">The number of the first page.</param>
    /// <param name="unmovable">The contents: a whole number of pages, at least one.</param>
    /// <exception cref="ArgumentException">The contents are empty or not a whole number of pages.</exception>
    public static PageRun Over(AddressSpaceId space, VirtualPage first, ReadOnlySpan<byte> unmovable)
    {
        if (unmovable.IsEmpty || unmovable.Length % PageCount.Size != 0)
            throw new ArgumentException($"A run holds whole pages of {PageCount.Size} bytes, not {unmovable.Length} bytes.", nameof(unmovable));
        byte* start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(unmovable));
        return new PageRun(space, first, start, new PageCount(unmovable.Length / PageCount.Size));
    }

    internal ReadOnlySpan<byte> Page(long index) => new(_start + index * PageCount.Size, PageCount.Size);

    internal PageRun Take(long pages) => new(Space, First, _start, new PageCount(pages));

    internal PageRun Skip(long pages) => new(Space, First + pages, _start + pages * PageCount.Size, new PageCount(Count.Value - pages));
}
