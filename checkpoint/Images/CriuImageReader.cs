using System.Buffers.Binary;
using Google.Protobuf;

namespace Watari.Checkpoint.Images;

/// <summary>Reads one image. Nothing of it is trusted: every size is held against what is there and against the limits.</summary>
public sealed class CriuImageReader
{
    private readonly string name;
    private readonly CriuImageKind kind;
    private readonly CriuImageLimits limits;
    private ReadOnlyMemory<byte> rest;
    private int entries;

    /// <exception cref="CriuImageException">The image is too large, or its magic is not that of <paramref name="kind"/>.</exception>
    public CriuImageReader(string name, CriuImageKind kind, ReadOnlyMemory<byte> image, CriuImageLimits limits)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(limits);
        this.name = name;
        this.kind = kind;
        this.limits = limits;
        rest = image;

        if (kind.Framing == CriuImageFraming.Raw)
            throw new ArgumentException($"An image of the kind {kind} has no entries.", nameof(kind));
        if (image.Length > limits.ImageBytes)
            throw new CriuImageException(name, $"{image.Length} bytes are more than the {limits.ImageBytes} that are read");
        if (kind.Framing != CriuImageFraming.Bare)
            Expect(kind.Framing == CriuImageFraming.Common ? CriuImageKind.CommonMagic : CriuImageKind.ServiceMagic);
        Expect(kind.Magic);
    }

    /// <summary>The entries of an image.</summary>
    /// <exception cref="CriuImageException">The image is damaged or goes beyond the limits.</exception>
    public static List<CriuImageEntry> Read(string name, CriuImageKind kind, ReadOnlyMemory<byte> image, CriuImageLimits limits)
    {
        var reader = new CriuImageReader(name, kind, image, limits);
        var all = new List<CriuImageEntry>();
        while (reader.TryNext(out CriuImageEntry entry))
            all.Add(entry);
        return all;
    }

    /// <summary>The next entry; false at the end of the image.</summary>
    /// <exception cref="CriuImageException">The image is damaged or goes beyond the limits.</exception>
    public bool TryNext(out CriuImageEntry entry)
    {
        entry = default;
        if (rest.IsEmpty)
            return false;
        if (entries == limits.Entries)
            throw new CriuImageException(name, $"more than {limits.Entries} entries");

        uint size = ReadWord("the size of a message");
        if (size > limits.MessageBytes)
            throw new CriuImageException(name, $"a message of {size} bytes; at most {limits.MessageBytes} are read");
        MessageParser parser = (entries == 0 ? kind.Head : null) ?? kind.Parser!;
        IMessage message = Parse(parser, Take(size, "a message"));
        entries++;

        long payload = kind.PayloadLength?.Invoke(message) ?? 0;
        entry = new CriuImageEntry(message, payload == CriuImageKind.RestOfImage ? Take(rest.Length, "data") : Take(payload, "data"));
        return true;
    }

    private IMessage Parse(MessageParser parser, ReadOnlyMemory<byte> bytes)
    {
        IMessage message;
        try
        {
            message = parser.ParseFrom(bytes.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new CriuImageException(name, $"entry {entries} is damaged: {e.Message}", e);
        }
        return message is Proto.PagemapEntry || message.IsInitialized()
            ? message
            : throw new CriuImageException(name, $"entry {entries} lacks a required field of {message.Descriptor.Name}");
    }

    private void Expect(uint magic)
    {
        uint found = ReadWord("the magic");
        if (found != magic)
            throw new CriuImageException(name, $"the magic is {found:x8}, not {magic:x8} of an image of the kind {kind}");
    }

    private uint ReadWord(string what) =>
        BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint), what).Span);

    private ReadOnlyMemory<byte> Take(long count, string what)
    {
        if (count > rest.Length)
            throw new CriuImageException(name, $"it ends in the middle of {what}: {rest.Length} of {count} bytes are there");
        ReadOnlyMemory<byte> taken = rest[..(int)count];
        rest = rest[(int)count..];
        return taken;
    }
}
