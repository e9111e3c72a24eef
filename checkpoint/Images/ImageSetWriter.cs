using System.Collections.Immutable;
using Google.Protobuf;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>A set in the making.</summary>
internal sealed class ImageSetWriter(IPageContents contents)
{
    private readonly ImmutableSortedDictionary<string, ReadOnlyMemory<byte>>.Builder images =
        ImmutableSortedDictionary.CreateBuilder<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);

    private readonly ImmutableArray<PageImage>.Builder pages = ImmutableArray.CreateBuilder<PageImage>();

    public IPageContents Contents { get; } = contents;

    /// <exception cref="CriuImageException">There is one of that name: two threads with one number, two mounts of one device.</exception>
    public void Add(string name, ReadOnlyMemory<byte> bytes)
    {
        if (images.ContainsKey(name))
            throw new CriuImageException(name, "would be written twice, for two of what there can be one of");
        images.Add(name, bytes);
    }

    public void Add(CriuImageKind kind, params IEnumerable<IMessage> messages) =>
        Add(kind.FileName(), CriuImageWriter.Write(kind, messages));

    public void Add(CriuImageKind kind, ulong number, params IEnumerable<IMessage> messages) =>
        Add(kind.FileName(number), CriuImageWriter.Write(kind, messages));

    /// <summary>Adds a page image and gives its number.</summary>
    public uint AddPages(ImmutableArray<PageRun> runs)
    {
        uint id = (uint)pages.Count + 1;
        pages.Add(new PageImage(id, runs));
        return id;
    }

    public CriuImageSet ToImageSet() => new() { Images = images.ToImmutable(), PageImages = pages.ToImmutable() };
}
