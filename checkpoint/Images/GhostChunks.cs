using System.Buffers.Binary;
using Google.Protobuf;

namespace Watari.Checkpoint.Images;

/// <summary>A ghost file with holes: {size, chunk message, bytes} again and again in place of its contents.</summary>
internal static class GhostChunks
{
    public static ReadOnlyMemory<byte> Join(ReadOnlyMemory<byte> chunks, ulong size, CriuImageLimits limits, string name)
    {
        if (size > (ulong)limits.UnpackedBytes)
            throw new CriuImageException(name, $"a file of {size} bytes; at most {limits.UnpackedBytes} are read");
        byte[] file = new byte[size];
        ReadOnlySpan<byte> rest = chunks.Span;
        while (!rest.IsEmpty)
        {
            if (rest.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(rest) > (uint)(rest.Length - sizeof(uint)))
                throw new CriuImageException(name, "it ends in the middle of a chunk");
            int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(rest);
            Proto.GhostChunkEntry chunk = Parse(rest.Slice(sizeof(uint), length), name);
            rest = rest[(sizeof(uint) + length)..];
            if (chunk.Len > (ulong)rest.Length || chunk.Off > size || chunk.Len > size - chunk.Off)
                throw new CriuImageException(name, $"a chunk of {chunk.Len} bytes at {chunk.Off} lies beyond the file");
            rest[..(int)chunk.Len].CopyTo(file.AsSpan((int)chunk.Off));
            rest = rest[(int)chunk.Len..];
        }
        return file;
    }

    private static Proto.GhostChunkEntry Parse(ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            return Proto.GhostChunkEntry.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new CriuImageException(name, $"a chunk is damaged: {e.Message}", e);
        }
    }
}
