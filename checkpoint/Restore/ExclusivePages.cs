using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;

namespace Watari.Checkpoint.Restore;

/// <summary>
/// Tells pages that belong to one process alone and may be written in its stead, from those that others see too: page cache,
/// vdso, copy-on-write, KSM, the zero pages. Good for one pause.
/// </summary>
internal readonly struct ExclusivePages
{
    /// <summary>What a walk must tell apart for this.</summary>
    public const PageFlags Told = PageFlags.Writable | PageFlags.Dirty | PageFlags.Huge;

    private const ulong MappingKind = 3;    // PAGE_MAPPING_FLAGS
    private const ulong AnonymousKind = 1;  // PAGE_MAPPING_ANON; with PAGE_MAPPING_MOVABLE it is PAGE_MAPPING_KSM

    // SAVED_DIRTY (arch/x86/include/asm/pgtable_types.h, v6.6): the dirty bit of an entry that may not be written.
    private const ulong SavedDirty = 1UL << 58;

    private readonly GuestKernel _kernel;
    private readonly ZeroPages _zeroPages;
    private readonly ulong _mark;
    private readonly ulong _dirty;

    public ExclusivePages(GuestKernel kernel)
    {
        _kernel = kernel;
        _zeroPages = new ZeroPages(kernel);
        _mark = FlagOf("PG_anon_exclusive");
        _dirty = FlagOf("PG_dirty");

        ulong FlagOf(string name) => kernel.Types.TryGetEnumerator(name, out long bit) ? 1UL << (int)bit : 0;
    }

    /// <summary>Whether a page of a present run is the process's own, to be written as if it had written itself.</summary>
    /// <param name="space">The process's page tables.</param>
    /// <param name="run">Walked with <see cref="Told"/>.</param>
    /// <param name="page">The page's place in the run.</param>
    public bool Contains(AddressSpace space, in PageRun run, long page)
    {
        PageFrameNumber frame = run.Physical.Frame + new PageCount(page);
        if (_zeroPages.Contains(frame)) return false;
        var structure = PageStruct.At(_kernel, _kernel.Pages.PageOf(frame));
        PageStruct head = structure.Head;
        if ((head.Mapping & MappingKind) != AnonymousKind) return false;
        // A clean page may be dropped and read again from swap, or from nowhere (MADV_FREE), and what was written is lost. Where its
        // process may not write, what wrote for it (FOLL_FORCE) has marked the page, not the entry (mm/gup.c, follow_page_pte).
        if (!IsDirty(space, run, page) && (head.Flags & _dirty) == 0) return false;
        // The kernel's own mark of what a write fault may use again (6c287605fd56, v5.19); of a page that a large entry
        // maps it is on the head.
        if (_mark != 0) return ((run.Flags.HasFlag(PageFlags.Huge) ? head : structure).Flags & _mark) != 0;
        // Before: mapped once (the count begins at -1), referred to once, and its process may write to it at once.
        return run.Flags.HasFlag(PageFlags.Writable) && structure.Mapcount == 0 && head.Refcount == 1;
    }

    private static bool IsDirty(AddressSpace space, in PageRun run, long page)
    {
        if (run.Flags.HasFlag(PageFlags.Dirty)) return true;
        return !run.Flags.HasFlag(PageFlags.Writable)
            && (space.Translate(run.Start + (ulong)new PageCount(page).Bytes).Entry.Raw & SavedDirty) != 0;
    }
}
