using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;

namespace Watari.Checkpoint.Restore;

/// <summary>
/// Tells whether a page is the process's alone, so that nobody else sees what is written into it. An anonymous page is so if its
/// entry is writable, for the kernel maps no shared one writable, or if the kernel has marked it (PG_anon_exclusive, 6c287605fd56,
/// v5.19). The mark of a page mapped by a large entry is on the first page that the entry maps.
/// </summary>
internal sealed class ExclusivePages
{
    private const ulong MappingKind = 3;    // PAGE_MAPPING_FLAGS
    private const ulong AnonymousKind = 1;  // PAGE_MAPPING_ANON; with PAGE_MAPPING_MOVABLE it is PAGE_MAPPING_KSM
    private const ulong HugePages = 512;

    private readonly GuestKernel _kernel;
    private readonly ulong _mark;

    /// <exception cref="Introspection.Types.KernelTypeException">The kernel does not mark them.</exception>
    public ExclusivePages(GuestKernel kernel)
    {
        _kernel = kernel;
        _mark = 1UL << (int)kernel.Types.Enumerator("PG_anon_exclusive");
    }

    /// <summary>How many pages of a present run, from its first on, are exclusive.</summary>
    public long CountFrom(PageRun run)
    {
        ulong frame = run.Physical.Value >> GuestPage.Shift;
        bool huge = run.Flags.HasFlag(PageFlags.Huge);
        bool writable = run.Flags.HasFlag(PageFlags.Writable);
        long good = 0;
        while (good < run.Count.Value)
        {
            // All pages of a large entry are alike: look at its first.
            ulong at = frame + (ulong)good;
            PageStruct page = PageStruct.At(_kernel, _kernel.Pages.PageOf(new PageFrameNumber(huge ? at & ~(HugePages - 1) : at)));
            if ((page.Head.Mapping & MappingKind) != AnonymousKind || (!writable && (page.Flags & _mark) == 0)) break;
            good += huge ? (long)(HugePages - (at & (HugePages - 1))) : 1;
        }

        return Math.Min(good, run.Count.Value);
    }
}
