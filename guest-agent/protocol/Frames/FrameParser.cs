using System.IO.Hashing;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Finds frames in a byte stream that may begin anywhere. A virtio-serial stream outlives both of
/// its ends: after a reconnect it still holds bytes, often half a frame, of those who spoke before.
/// What is not a whole frame with both hashes right is skipped byte by byte. A speaker that begins
/// anew first sends <see cref="FrameHeader.MaxFrame"/> zero bytes: they fill up whatever half frame
/// the listener still waits for, so that it is seen to be bad at once.
/// </summary>
public sealed class FrameParser
{
    private readonly byte[] buffer = new byte[2 * FrameHeader.MaxFrame];
    private int start;
    private int end;

    /// <summary>How many bytes belonged to no frame.</summary>
    public long Skipped { get; private set; }

    /// <summary>Where the next bytes of the stream go; never empty after <see cref="TryRead"/> has said no.</summary>
    public Memory<byte> Free
    {
        get
        {
            if (start > 0 && buffer.Length - end < FrameHeader.MaxFrame)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                end -= start;
                start = 0;
            }
            return buffer.AsMemory(end);
        }
    }

    /// <summary>So many bytes were put into <see cref="Free"/>.</summary>
    public void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, buffer.Length - end);
        end += bytes;
    }

    /// <summary>Takes the next whole frame, if there is one.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="payload">Its payload, valid until <see cref="Free"/> is next asked for.</param>
    public bool TryRead(out FrameHeader header, out ReadOnlyMemory<byte> payload)
    {
        while (SeekMagic() && end - start >= FrameHeader.Size)
        {
            if (!FrameHeader.TryRead(buffer.AsSpan(start, end - start), out header))
            {
                Skip(1);
                continue;
            }
            if (end - start < FrameHeader.Size + header.Length)
                break;
            payload = buffer.AsMemory(start + FrameHeader.Size, header.Length);
            if (XxHash3.HashToUInt64(payload.Span) != header.PayloadHash)
            {
                Skip(1);
                continue;
            }
            start += FrameHeader.Size + header.Length;
            return true;
        }
        header = default;
        payload = default;
        return false;
    }

    // Leaves the buffer at a magic, or at the last bytes that may be the beginning of one.
    private bool SeekMagic()
    {
        ReadOnlySpan<byte> magic = "WATA"u8;
        ReadOnlySpan<byte> seen = buffer.AsSpan(start, end - start);
        int at = seen.IndexOf(magic);
        if (at >= 0)
        {
            Skip(at);
            return true;
        }
        int tail = Math.Min(seen.Length, magic.Length - 1);
        while (tail > 0 && !magic.StartsWith(seen[^tail..]))
            tail--;
        Skip(seen.Length - tail);
        return false;
    }

    private void Skip(int bytes)
    {
        start += bytes;
        Skipped += bytes;
    }
}
