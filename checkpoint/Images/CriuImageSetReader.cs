using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Reads a set of images from a directory, whoever wrote it.</summary>
public static class CriuImageSetReader
{
    /// <summary>
    /// The set in <paramref name="directory"/>. Locations of its pages are those of the <see cref="DirectoryPageContents"/> of the same directory.
    /// </summary>
    /// <exception cref="CriuImageException">A file is damaged, missing or too large.</exception>
    public static CriuImageSet Read(string directory, CriuImageLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var images = ImmutableSortedDictionary.CreateBuilder<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        long total = 0;
        foreach (FileInfo file in FilesOf(directory, limits))
        {
            if (CriuImageKinds.Pages.TryMatch(file.Name, out _))
                continue;
            total += file.Length;
            if (file.Length > limits.ImageBytes || total > limits.SetBytes)
                throw new CriuImageException(file.Name, $"{file.Length} bytes; at most {limits.ImageBytes} an image and {limits.SetBytes} altogether are read");
            images.Add(file.Name, File.ReadAllBytes(file.FullName));
        }

        ImmutableDictionary<uint, PageLocation> locations = DirectoryPageContents.LocationsOf(directory, limits);
        return new CriuImageSet { Images = images.ToImmutable(), PageImages = PagesOf(images, locations, directory, limits) };
    }

    internal static IEnumerable<FileInfo> FilesOf(string directory, CriuImageLimits limits)
    {
        int count = 0;
        foreach (FileInfo file in new DirectoryInfo(directory).EnumerateFiles())
        {
            // A link could lead anywhere; CRIU itself writes none but the parent directory's.
            if (file.LinkTarget is not null)
                continue;
            if (++count > limits.Files)
                throw new CriuImageException(directory, $"more than {limits.Files} files");
            yield return file;
        }
    }

    private static ImmutableArray<PageImage> PagesOf(
        ImmutableSortedDictionary<string, ReadOnlyMemory<byte>>.Builder images,
        ImmutableDictionary<uint, PageLocation> locations,
        string directory,
        CriuImageLimits limits)
    {
        var pages = new SortedDictionary<uint, PageImage>();
        foreach ((string name, ReadOnlyMemory<byte> bytes) in images)
        {
            if (!CriuImageKinds.Pagemap.TryMatch(name, out _) && !CriuImageKinds.ShmemPagemap.TryMatch(name, out _))
                continue;
            (uint id, ImmutableArray<PageRun> runs) = PagemapImages.Parse(name, bytes, locations, limits);
            var image = new PageImage(id, runs);
            var file = new FileInfo(Path.Combine(directory, image.FileName));
            long there = file.Exists ? file.Length : 0;
            if (image.Bytes > (ulong)there)
                throw new CriuImageException(image.FileName, $"{name} tells of {image.Bytes} bytes of pages, {there} are there");
            if (!runs.IsEmpty && !pages.TryAdd(id, image))
                throw new CriuImageException(image.FileName, $"{name} is not the first pagemap that claims it");
        }
        return [.. pages.Values];
    }
}
