using Google.Protobuf;

namespace Watari.Checkpoint.Images;

/// <summary>A set that is being read: entries by kind and number.</summary>
internal sealed class ImageSetView(CriuImageSet set, CriuImageLimits limits)
{
    public CriuImageSet Set { get; } = set;
    public CriuImageLimits Limits { get; } = limits;

    /// <summary>The entries of an image; none where it is missing.</summary>
    public List<CriuImageEntry> Read(CriuImageKind kind) => ReadFile(kind, kind.FileName());

    public List<CriuImageEntry> Read(CriuImageKind kind, ulong number) => ReadFile(kind, kind.FileName(number));

    public IEnumerable<T> Messages<T>(CriuImageKind kind)
        where T : IMessage => Read(kind).Select(e => (T)e.Message);

    public IEnumerable<T> Messages<T>(CriuImageKind kind, ulong number)
        where T : IMessage => Read(kind, number).Select(e => (T)e.Message);

    /// <summary>The one entry of an image.</summary>
    /// <exception cref="CriuImageException">It is missing, or there are several.</exception>
    public T Single<T>(CriuImageKind kind, ulong number)
        where T : IMessage => SingleOf<T>(kind.FileName(number), Read(kind, number));

    public T Single<T>(CriuImageKind kind)
        where T : IMessage => SingleOf<T>(kind.FileName(), Read(kind));

    /// <summary>The numbers of the images of a kind that are there.</summary>
    public IEnumerable<ulong> Numbers(CriuImageKind kind)
    {
        foreach (string name in Set.Images.Keys)
        {
            if (kind.TryMatch(name, out ulong number) && CriuImageKinds.OfFile(name) == kind)
                yield return number;
        }
    }

    /// <summary>A number that must fit into 32 bits.</summary>
    public static uint Word(ulong value, string name, string what) =>
        value <= uint.MaxValue ? (uint)value : throw new CriuImageException(name, $"{what} is {value}, which does not fit into 32 bits");

    private static T SingleOf<T>(string name, List<CriuImageEntry> entries)
        where T : IMessage => entries.Count == 1
            ? (T)entries[0].Message
            : throw new CriuImageException(name, entries.Count == 0 ? "it is missing or empty" : $"{entries.Count} entries instead of one");

    private List<CriuImageEntry> ReadFile(CriuImageKind kind, string name) =>
        Set.Images.TryGetValue(name, out ReadOnlyMemory<byte> bytes) ? CriuImageReader.Read(name, kind, bytes, Limits) : [];
}
