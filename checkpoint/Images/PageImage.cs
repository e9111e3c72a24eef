using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>A pages-N.img: the runs whose contents it holds, one after another.</summary>
public sealed record PageImage(uint PagesId, ImmutableArray<PageRun> Runs)
{
    public string FileName => CriuImageKinds.Pages.FileName(PagesId);

    public ulong Bytes
    {
        get
        {
            ulong bytes = 0;
            foreach (PageRun run in Runs)
                bytes += run.Bytes;
            return bytes;
        }
    }

    /// <summary>Writes the contents of all runs.</summary>
    /// <exception cref="PageContentsException">A run's location does not exist in <paramref name="contents"/>.</exception>
    public void WriteTo(Stream destination, IPageContents contents)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentNullException.ThrowIfNull(contents);
        foreach (PageRun run in Runs)
            contents.CopyTo(run, destination);
    }
}

/// <summary>Copies out of page contents.</summary>
public static class PageContentsExtensions
{
    /// <summary>Writes the contents of a run.</summary>
    public static void CopyTo(this IPageContents contents, PageRun run, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(contents);
        ArgumentNullException.ThrowIfNull(destination);
        for (ulong done = 0; done < run.Bytes;)
        {
            ReadOnlySpan<byte> part = contents.At(run.Location.Advance(done), (int)Math.Min(run.Bytes - done, int.MaxValue & ~0xfff));
            destination.Write(part);
            done += (ulong)part.Length;
        }
    }

    /// <summary>Fills <paramref name="destination"/> from a location.</summary>
    public static void CopyTo(this IPageContents contents, PageLocation location, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(contents);
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<byte> part = contents.At(location, destination.Length);
            part.CopyTo(destination);
            destination = destination[part.Length..];
            location = location.Advance((ulong)part.Length);
        }
    }

    /// <summary>The bytes of a file that travels with the container; its holes are zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The file is larger than an array.</exception>
    public static ReadOnlyMemory<byte> BytesOf(this IPageContents contents, FileContents file)
    {
        ArgumentNullException.ThrowIfNull(contents);
        switch (file)
        {
            case InlineContents inline:
                return inline.Bytes;
            case PagedContents paged:
                ArgumentOutOfRangeException.ThrowIfGreaterThan(paged.Size, (ulong)Array.MaxLength);
                byte[] bytes = new byte[paged.Size];
                foreach (PageRun run in paged.Pages)
                {
                    if (run.Start >= paged.Size)
                        continue;
                    int start = (int)run.Start;
                    int count = (int)Math.Min(run.Bytes, paged.Size - run.Start);
                    contents.CopyTo(run.Location, bytes.AsSpan(start, count));
                }
                return bytes;
            default:
                throw new ArgumentException($"Contents of the kind {file?.GetType().Name} are not known.", nameof(file));
        }
    }
}
