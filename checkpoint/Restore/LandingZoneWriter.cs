using Watari.Checkpoint.Pauses;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Restore;

/// <summary>Consecutive pages of a landing zone: from this page of its file on, they lie one behind the other from this frame on.</summary>
public readonly record struct LandingFrames(long FilePage, PageFrameNumber Frame, PageCount Count);

/// <summary>The bytes of a file that the engine holds.</summary>
public interface ILandingContents
{
    /// <summary>The bytes from a page on, as far as they lie together and at most <paramref name="pages"/>; the last page of a file may be short.</summary>
    ReadOnlySpan<byte> From(long page, long pages);

    /// <summary>
    /// What the guest's memory holds after pages were written, read back from there and handed over while the guest still stands:
    /// to be held against the source's hash.
    /// </summary>
    void ReadBack(long page, ReadOnlySpan<byte> contents);
}

/// <summary>
/// Writes a file of tmpfs in a guest from outside, page by page where the guest's agent says its pages lie. Each page is first
/// checked to be that page of that file still.
/// </summary>
public sealed class LandingZoneWriter(GuestKernel kernel, GuestMemoryWriter memory, IVcpuControl cpus, PauseLimits? limits = null)
{
    private const long StepPages = 128;

    /// <summary>Writes all of the file.</summary>
    /// <param name="zone">Its pages, in the file's order.</param>
    /// <param name="contents">What they shall hold.</param>
    /// <param name="cancellationToken">Looked at between pauses.</param>
    /// <returns>What it cost the guest.</returns>
    /// <exception cref="LandingZoneMovedException">A page is not where the list says: ask the agent for the list again. What was written so far are pages of the zone.</exception>
    public PauseTotals Write(IReadOnlyList<LandingFrames> zone, ILandingContents contents, CancellationToken cancellationToken)
    {
        ShortPauses pauses = new(kernel, cpus, limits ?? PauseLimits.Default);
        BulkReader reader = new(kernel.Memory);
        GuestVirtualAddress file = default;
        int at = 0;
        long done = 0;
        pauses.Run(_ => cancellationToken.ThrowIfCancellationRequested(), () =>
        {
            if (at == zone.Count) return false;
            LandingFrames run = zone[at];
            long pages = Math.Min(StepPages, run.Count.Value - done);
            for (long page = done; page < done + pages; page++)
                Check(run.Frame + new PageCount(page), run.FilePage + page, ref file);
            Copy(run, done, pages, contents, reader);
            done += pages;
            if (done == run.Count.Value)
            {
                at++;
                done = 0;
            }
            return at < zone.Count;
        });
        return pauses.Totals;
    }

    private void Copy(LandingFrames run, long from, long pages, ILandingContents contents, BulkReader reader)
    {
        for (long page = from; page < from + pages;)
        {
            ReadOnlySpan<byte> bytes = contents.From(run.FilePage + page, from + pages - page);
            if (bytes.IsEmpty) return;
            GuestPhysicalAddress inGuest = (run.Frame + new PageCount(page)).Address;
            memory.Write(inGuest, bytes);
            contents.ReadBack(run.FilePage + page, reader.Read(inGuest, bytes.Length));
            page += PageCount.Covering((ulong)bytes.Length).Value;
        }
    }

    /// <summary>The page is of a file's mapping, the same as the others', and the one at that place in the file.</summary>
    private void Check(PageFrameNumber frame, long filePage, ref GuestVirtualAddress file)
    {
        PageStruct page = PageStruct.At(kernel, kernel.Pages.PageOf(frame));
        PageStruct head = page.Head;
        long index = (long)IndexedPage.At(kernel, head.Address).Index + (long)(frame.Value - kernel.Pages.FrameOf(head.Address).Value);
        var mapping = new GuestVirtualAddress(head.Mapping);
        if (file.IsNull && mapping.IsKernel && !head.IsAnonymous) file = mapping;
        if (file.IsNull || mapping != file || index != filePage)
            throw new LandingZoneMovedException($"The frame {frame} does not hold page {filePage} of the landing zone (any more): the guest has moved or freed it. Nothing was written there; make the zone anew.");
    }
}

/// <summary>Which page of its file a page is (include/linux/mm_types.h).</summary>
[KernelStruct("page")]
public readonly partial record struct IndexedPage
{
    /// <summary>__folio_index since acc53a0b4c15, v6.16.</summary>
    [Field("index", "__folio_index")] public partial ulong Index { get; }
}
