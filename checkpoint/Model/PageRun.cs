namespace Watari.Checkpoint.Model;

/// <summary>
/// Where the contents of a page lie, in the address space of the <see cref="IPageContents"/> that goes with the model:
/// the guest-physical address for a container that was captured, an offset into the page images for one that was read from them.
/// </summary>
public readonly record struct PageLocation(ulong Value)
{
    public PageLocation Advance(ulong bytes) => new(Value + bytes);
}

/// <summary>
/// Pages that follow one another both in the address space of the process (or in the file) and at their location.
/// </summary>
/// <param name="Start">Virtual address, or offset in the shared memory or the file, in bytes; page aligned.</param>
/// <param name="Pages">Number of pages of 4096 bytes.</param>
/// <param name="Location">Where the first page's contents lie.</param>
public readonly record struct PageRun(ulong Start, ulong Pages, PageLocation Location)
{
    public const int PageSize = 4096;

    public ulong Bytes => Pages * PageSize;

    /// <summary>One past the last byte.</summary>
    public ulong End => Start + Bytes;

    /// <summary>The part of the run that lies in [start, end); empty (no pages) where they do not meet.</summary>
    public PageRun Within(ulong start, ulong end)
    {
        ulong from = Math.Max(Start, start);
        ulong to = Math.Min(End, end);
        return from >= to
            ? default
            : new PageRun(from, (to - from) / PageSize, Location.Advance(from - Start));
    }
}

/// <summary>The contents of pages, asked for when images are written; the model never holds them.</summary>
public interface IPageContents
{
    /// <summary>
    /// The bytes at <paramref name="location"/>, without a copy where the memory is mapped.
    /// </summary>
    /// <returns>At least one byte and at most <paramref name="length"/>; fewer where the memory is not contiguous. Valid until the next call.</returns>
    /// <exception cref="PageContentsException">The location does not exist.</exception>
    ReadOnlySpan<byte> At(PageLocation location, int length);
}

/// <summary>A page was asked for that its source does not have: the location is wrong, or the guest's memory is not what the model says.</summary>
public sealed class PageContentsException(PageLocation location, string message)
    : IOException($"{message} (page location {location.Value:x})")
{
    public PageLocation Location { get; } = location;
}
