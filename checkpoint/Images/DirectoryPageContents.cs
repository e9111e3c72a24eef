using System.Collections.Immutable;
using Microsoft.Win32.SafeHandles;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>The pages of a set of images in a directory. Locations count through all page images, in the order of their numbers.</summary>
public sealed class DirectoryPageContents : IPageContents, IDisposable
{
    private const int ChunkBytes = 1 << 20;
    private readonly List<(ulong Start, ulong End, string Path)> files;
    private readonly byte[] chunk = new byte[ChunkBytes];
    private SafeFileHandle? open;
    private string? openPath;

    public DirectoryPageContents(string directory, CriuImageLimits limits)
    {
        files = [.. Layout(directory, limits).Select(f => (f.Start, f.Start + (ulong)f.File.Length, f.File.FullName))];
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> At(PageLocation location, int length)
    {
        int index = files.FindIndex(f => location.Value >= f.Start && location.Value < f.End);
        if (index < 0)
            throw new PageContentsException(location, "No page image reaches this far");
        (ulong start, ulong end, string path) = files[index];
        if (openPath != path)
        {
            open?.Dispose();
            open = File.OpenHandle(path);
            openPath = path;
        }
        int wanted = (int)Math.Min((ulong)Math.Min(length, ChunkBytes), end - location.Value);
        int got = RandomAccess.Read(open!, chunk.AsSpan(0, wanted), (long)(location.Value - start));
        return got > 0 ? chunk.AsSpan(0, got) : throw new PageContentsException(location, $"{path} has become shorter");
    }

    public void Dispose() => open?.Dispose();

    /// <summary>Where each page image begins, by its number.</summary>
    internal static ImmutableDictionary<uint, PageLocation> LocationsOf(string directory, CriuImageLimits limits) =>
        Layout(directory, limits).ToImmutableDictionary(f => f.PagesId, f => new PageLocation(f.Start));

    private static IEnumerable<(uint PagesId, ulong Start, FileInfo File)> Layout(string directory, CriuImageLimits limits)
    {
        var images = new SortedDictionary<uint, FileInfo>();
        foreach (FileInfo file in CriuImageSetReader.FilesOf(directory, limits))
        {
            if (CriuImageKinds.Pages.TryMatch(file.Name, out ulong number) && number <= uint.MaxValue)
                images[(uint)number] = file;
        }
        ulong start = 0;
        foreach ((uint id, FileInfo file) in images)
        {
            yield return (id, start, file);
            start += ((ulong)file.Length + PageRun.PageSize - 1) / PageRun.PageSize * PageRun.PageSize;
        }
    }
}
