using System.Collections.Immutable;
using Google.Protobuf;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>pagemap-N and pagemap-shmem-N: which pages a pages-N.img holds.</summary>
internal static class PagemapImages
{
    private const uint InParent = 1;
    private const uint Lazy = 2;
    private const uint Present = 4;

    // 57 bits, five levels of page tables.
    private const ulong AddressSpacePages = 1UL << 45;

    /// <summary>The entries of a pagemap; runs that follow one another in the address space become one.</summary>
    /// <param name="pagesId">Number of the page image.</param>
    /// <param name="runs">By address.</param>
    /// <param name="isLazy">Whether the page at an address may also be brought in after the restore (criu lazy-pages).</param>
    public static IEnumerable<IMessage> Build(uint pagesId, ImmutableArray<PageRun> runs, Func<PageRun, bool> isLazy)
    {
        yield return new Proto.PagemapHead { PagesId = pagesId };
        Proto.PagemapEntry? entry = null;
        foreach (PageRun run in runs)
        {
            uint flags = isLazy(run) ? Present | Lazy : Present;
            if (entry is not null && entry.Flags == flags && entry.Vaddr + (ulong)entry.NrPages * PageRun.PageSize == run.Start)
            {
                entry.NrPages += checked((uint)run.Pages);
                continue;
            }
            if (entry is not null)
                yield return entry;
            entry = new Proto.PagemapEntry { Vaddr = run.Start, NrPages = checked((uint)run.Pages), Flags = flags };
        }
        if (entry is not null)
            yield return entry;
    }

    /// <summary>Number of the page image and the runs that it holds.</summary>
    /// <exception cref="CriuImageException">The image is damaged, or part of an incremental dump.</exception>
    public static (uint PagesId, ImmutableArray<PageRun> Runs) Parse(
        string name,
        ReadOnlyMemory<byte> image,
        IReadOnlyDictionary<uint, PageLocation> locations,
        CriuImageLimits limits)
    {
        var reader = new CriuImageReader(name, CriuImageKinds.Pagemap, image, limits);
        if (!reader.TryNext(out CriuImageEntry head))
            throw new CriuImageException(name, "it is empty");
        uint id = ((Proto.PagemapHead)head.Message).PagesId;
        PageLocation location = locations.GetValueOrDefault(id);
        ulong pages = 0;

        var runs = ImmutableArray.CreateBuilder<PageRun>();
        while (reader.TryNext(out CriuImageEntry next))
        {
            var entry = (Proto.PagemapEntry)next.Message;
            if (entry.InParent || (entry.Flags & InParent) != 0)
                throw new CriuImageException(name, $"the pages at {entry.Vaddr:x} are in a parent image, which is not read");

            // Before flags there was only "present".
            if (entry.HasFlags && (entry.Flags & Present) == 0)
                continue;
            if (entry.Vaddr % PageRun.PageSize != 0 || entry.Vaddr > ulong.MaxValue - (ulong)entry.NrPages * PageRun.PageSize)
                throw new CriuImageException(name, $"no run of pages can begin at {entry.Vaddr:x}");
            pages += entry.NrPages;
            if (pages > AddressSpacePages)
                throw new CriuImageException(name, "it holds more pages than an address space has");
            var run = new PageRun(entry.Vaddr, entry.NrPages, location);
            runs.Add(run);
            location = location.Advance(run.Bytes);
        }
        return (id, runs.ToImmutable());
    }
}
