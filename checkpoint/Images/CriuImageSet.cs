using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>
/// A whole set of images: all but the pages by name in memory, and of the pages where their contents lie.
/// Beside the images proper it may hold files of a runtime, such as runc's descriptors.json.
/// </summary>
public sealed record CriuImageSet
{
    /// <summary>Name of the file to its bytes.</summary>
    public required ImmutableSortedDictionary<string, ReadOnlyMemory<byte>> Images { get; init; }

    public required ImmutableArray<PageImage> PageImages { get; init; }

    /// <summary>Bytes of all page images together.</summary>
    public ulong PageBytes
    {
        get
        {
            ulong bytes = 0;
            foreach (PageImage image in PageImages)
                bytes += image.Bytes;
            return bytes;
        }
    }

    /// <summary>Writes every file into <paramref name="directory"/>, which is made if need be.</summary>
    /// <exception cref="PageContentsException">The location of a page does not exist in <paramref name="contents"/>.</exception>
    public void WriteToDirectory(string directory, IPageContents contents)
    {
        Directory.CreateDirectory(directory);
        WriteImagesToDirectory(directory);
        foreach (PageImage image in PageImages)
        {
            using FileStream file = Create(directory, image.FileName);
            image.WriteTo(file, contents);
        }
    }

    /// <summary>Writes all files but the page images.</summary>
    public void WriteImagesToDirectory(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach ((string name, ReadOnlyMemory<byte> bytes) in Images)
        {
            using FileStream file = Create(directory, name);
            file.Write(bytes.Span);
        }
    }

    // Memory of processes: nobody else's to read.
    private static FileStream Create(string directory, string name) => new(Path.Combine(directory, name), new FileStreamOptions
    {
        Mode = FileMode.Create,
        Access = FileAccess.Write,
        BufferSize = 0,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });
}
