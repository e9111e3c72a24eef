using System.Buffers.Binary;
using System.IO.Hashing;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// The 40 bytes before each payload, little-endian: u32 magic "WATA", u8 kind, 3 bytes zero,
/// u32 payload length, u32 request, u64 session, u64 XxHash3 of the payload, u64 XxHash3 of the
/// 32 bytes before.
/// </summary>
/// <param name="Kind">What the payload is.</param>
/// <param name="Length">The payload's length in bytes, at most <see cref="MaxPayload"/>.</param>
/// <param name="Request">The number of the request that the frame belongs to; 0 where there is none.</param>
/// <param name="Session">The nonce of the host's session; 0 in <see cref="FrameKind.Started"/>.</param>
/// <param name="PayloadHash">XxHash3 of the payload.</param>
public readonly record struct FrameHeader(FrameKind Kind, int Length, uint Request, ulong Session, ulong PayloadHash)
{
    public const int Size = 40;

    public const int MaxPayload = 128 * 1024;

    public const int MaxFrame = Size + MaxPayload;

    public const uint Magic = 0x41544157; // "WATA"

    /// <summary>Writes header and payload as one frame.</summary>
    /// <returns>The frame's length in bytes.</returns>
    public static int WriteFrame(Span<byte> to, FrameKind kind, uint request, ulong session, ReadOnlySpan<byte> payload)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, MaxPayload);
        to[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        to[4] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], request);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], session);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], XxHash3.HashToUInt64(payload));
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], XxHash3.HashToUInt64(to[..32]));
        payload.CopyTo(to[Size..]);
        return Size + payload.Length;
    }

    /// <summary>Reads a header, or says that these 40 bytes are none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out FrameHeader header)
    {
        header = default;
        if (from.Length < Size || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic)
            return false;
        if (BinaryPrimitives.ReadUInt64LittleEndian(from[32..]) != XxHash3.HashToUInt64(from[..32]))
            return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(from[8..]);
        if (length is < 0 or > MaxPayload || from[4] is < (byte)FrameKind.Hello or > (byte)FrameKind.Error)
            return false;
        header = new FrameHeader(
            (FrameKind)from[4],
            length,
            BinaryPrimitives.ReadUInt32LittleEndian(from[12..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[24..]));
        return true;
    }
}
