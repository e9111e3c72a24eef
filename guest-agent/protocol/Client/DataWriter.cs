using System.Buffers.Binary;
using System.IO.Hashing;

namespace Watari.GuestAgent.Protocol;

/// <summary>Sends the data that belong to a request, in frames, with the hash of all of it at the end.</summary>
internal sealed class DataWriter(FrameSender sender, uint request)
{
    private readonly XxHash3 sent = new();

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        for (int at = 0; at < data.Length; at += FrameHeader.MaxPayload)
        {
            ReadOnlyMemory<byte> part = data.Slice(at, Math.Min(FrameHeader.MaxPayload, data.Length - at));
            sent.Append(part.Span);
            await sender.SendAsync(FrameKind.Data, request, part, cancellationToken);
        }
    }

    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        byte[] hash = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(hash, sent.GetCurrentHashAsUInt64());
        await sender.SendAsync(FrameKind.DataEnd, request, hash, cancellationToken);
    }
}
