using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>Pages of a file that follow one another in the file and in physical memory, or an entry that is not in memory.</summary>
/// <param name="Index">The place in the file, in pages.</param>
/// <param name="Count">How many.</param>
/// <param name="Frame">The first; meaningful unless <paramref name="IsSwapped"/>.</param>
/// <param name="IsSwapped">The entry is a swap entry (shmem), or the shadow of a page that was evicted (others).</param>
public readonly record struct FilePageRun(ulong Index, PageCount Count, PageFrameNumber Frame, bool IsSwapped);

/// <summary>A walk over a file's pages in memory, by rising index: the page cache, or all there is of a file of tmpfs.</summary>
public struct FilePages
{
    private readonly GuestKernel _kernel;
    private XarrayEntries _entries;

    internal FilePages(AddressSpaceStruct mapping)
    {
        _kernel = mapping.Kernel;
        _entries = mapping.IPages.Entries;
    }

    public FilePageRun Current { get; private set; }

    public readonly FilePages GetEnumerator() => this;

    public bool MoveNext()
    {
        if (!_entries.MoveNext()) return false;
        XarrayEntry entry = _entries.Current;
        PageFrameNumber frame = entry.IsValue ? default : _kernel.Pages.FrameOf(entry.Pointer);
        Current = new FilePageRun(entry.Index, new PageCount((long)entry.Length), frame, entry.IsValue);
        return true;
    }
}
