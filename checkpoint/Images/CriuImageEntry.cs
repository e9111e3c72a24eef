using Google.Protobuf;

namespace Watari.Checkpoint.Images;

/// <summary>One entry of an image: a message, and the raw bytes that follow it in some kinds.</summary>
public readonly record struct CriuImageEntry(IMessage Message, ReadOnlyMemory<byte> Payload)
{
    public CriuImageEntry(IMessage message)
        : this(message, default)
    {
    }
}
