using System.Runtime.InteropServices;

namespace Watari.Transfer.Tests;

/// <summary>Page-aligned memory that stands for a mapping of guest RAM.</summary>
internal sealed unsafe class GuestPages : IDisposable
{
    private byte* _start;

    public GuestPages(int pages)
    {
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)pages * PageCount.Size, PageCount.Size);
        Count = pages;
        All.Clear();
    }

    public int Count { get; }

    public Span<byte> All => new(_start, Count * PageCount.Size);

    public Span<byte> this[int page] => All.Slice(page * PageCount.Size, PageCount.Size);

    /// <summary>Memory in which no two pages are alike and none is zero.</summary>
    public static GuestPages Random(int pages, int seed = 1)
    {
        GuestPages memory = new(pages);
        new Random(seed).NextBytes(memory.All);
        return memory;
    }

    /// <summary>A run over <paramref name="count"/> of these pages, known in the address space by other numbers.</summary>
    public PageRun Run(uint space, ulong first, int from = 0, int? count = null) =>
        PageRun.Over(new AddressSpaceId(space), new VirtualPage(first), All.Slice(from * PageCount.Size, (count ?? Count - from) * PageCount.Size));

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
