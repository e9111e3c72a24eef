using Google.Protobuf;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Names between the model and the messages.</summary>
internal static class ProtoText
{
    public static ByteString Of(string text) => UnsafeByteOperations.UnsafeWrap(KernelText.Encode(text));

    public static ByteString Of(ReadOnlyMemory<byte> bytes) => UnsafeByteOperations.UnsafeWrap(bytes);
}
