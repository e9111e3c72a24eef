using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;
using Watari.Checkpoint.Images.Proto;

namespace Watari.Checkpoint.Images;

/// <summary>Writes one image: magic, then each message with its size before it and its raw bytes after it.</summary>
public sealed class CriuImageWriter
{
    private readonly ArrayBufferWriter<byte> buffer = new();
    private readonly CriuImageKind kind;

    public CriuImageWriter(CriuImageKind kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        this.kind = kind;
        switch (kind.Framing)
        {
            case CriuImageFraming.Common:
                WriteWord(CriuImageKind.CommonMagic);
                WriteWord(kind.Magic);
                break;
            case CriuImageFraming.Service:
                WriteWord(CriuImageKind.ServiceMagic);
                WriteWord(kind.Magic);
                break;
            case CriuImageFraming.Bare:
                WriteWord(kind.Magic);
                break;
            default:
                throw new ArgumentException($"An image of the kind {kind} has no entries.", nameof(kind));
        }
    }

    /// <exception cref="InvalidOperationException">A field that every reader expects is not set.</exception>
    public void Add(IMessage message, ReadOnlySpan<byte> payload = default)
    {
        ArgumentNullException.ThrowIfNull(message);

        // Looks at every field by reflection; a pagemap has as many entries as a process has runs of pages.
        if (message is not PagemapEntry && !message.IsInitialized())
            throw new InvalidOperationException($"A {message.Descriptor.Name} for the image {kind} lacks a required field: {message}");

        int size = message.CalculateSize();
        WriteWord((uint)size);
        message.WriteTo(buffer.GetSpan(size)[..size]);
        buffer.Advance(size);
        if (!payload.IsEmpty)
            buffer.Write(payload);
    }

    public void Add(CriuImageEntry entry) => Add(entry.Message, entry.Payload.Span);

    /// <summary>The image.</summary>
    public byte[] ToArray() => buffer.WrittenSpan.ToArray();

    /// <summary>An image of these entries.</summary>
    public static byte[] Write(CriuImageKind kind, params IEnumerable<IMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var writer = new CriuImageWriter(kind);
        foreach (IMessage message in messages)
            writer.Add(message);
        return writer.ToArray();
    }

    private void WriteWord(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.GetSpan(sizeof(uint)), value);
        buffer.Advance(sizeof(uint));
    }
}
