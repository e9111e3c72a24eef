using System.Text;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Protocol;

public sealed class FrameParserTests
{
    private const ulong Session = 0x1122334455667788;

    [Fact]
    public void A_frame_that_was_written_is_read()
    {
        FrameParser parser = new();
        Feed(parser, Frame(FrameKind.Request, 7, "payload"));

        Assert.True(parser.TryRead(out FrameHeader header, out ReadOnlyMemory<byte> payload));
        Assert.Equal((FrameKind.Request, 7u, Session), (header.Kind, header.Request, header.Session));
        Assert.Equal("payload", Encoding.UTF8.GetString(payload.Span));
        Assert.Equal(0, parser.Skipped);
        Assert.False(parser.TryRead(out _, out _));
    }

    [Fact]
    public void Frames_are_found_whatever_pieces_the_stream_comes_in()
    {
        byte[] stream = [.. Frame(FrameKind.Request, 1, "one"), .. Frame(FrameKind.Data, 2, new string('x', 5000)), .. Frame(FrameKind.DataEnd, 3, "three")];
        foreach (int piece in (int[])[1, 3, 39, 41, 4096])
        {
            FrameParser parser = new();
            Assert.Equal([1u, 2u, 3u], stream.Chunk(piece).SelectMany(part => FeedAndRead(parser, part)));
        }
    }

    [Fact]
    public void A_stream_that_begins_in_the_middle_of_a_frame_finds_the_next_one()
    {
        FrameParser parser = new();
        byte[] old = Frame(FrameKind.Response, 1, "what an older client had asked for");

        Assert.Equal([2u], FeedAndRead(parser, [.. old[20..], .. Frame(FrameKind.Welcome, 2, "hello")]));
        Assert.Equal(old.Length - 20, parser.Skipped);
    }

    [Fact]
    public void Half_a_frame_is_filled_up_by_the_zeros_before_a_hello_and_thrown_away()
    {
        FrameParser parser = new();
        byte[] cut = Frame(FrameKind.Data, 1, new string('d', FrameHeader.MaxPayload));

        Assert.Empty(FeedAndRead(parser, cut[..1000]));
        Assert.Empty(FeedAndRead(parser, Frame(FrameKind.Hello, 2, "the hello is swallowed by what the half frame still waits for")));
        Assert.Equal([2u, 3u], FeedAndRead(parser, [.. new byte[FrameHeader.MaxFrame], .. Frame(FrameKind.Hello, 3, "again")]));
    }

    [Fact]
    public void A_flipped_bit_costs_the_frame_it_is_in_and_no_other()
    {
        byte[] first = Frame(FrameKind.Request, 1, "first"), second = Frame(FrameKind.Request, 2, "second"), third = Frame(FrameKind.Request, 3, "third");
        for (int bit = 0; bit < second.Length * 8; bit++)
        {
            byte[] bad = [.. second];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal([1u, 3u], FeedAndRead(new FrameParser(), [.. first, .. bad, .. third]));
        }
    }

    [Fact]
    public void Noise_of_any_kind_never_hides_the_frame_after_the_zeros()
    {
        Random random = new(20260101);
        for (int round = 0; round < 200; round++)
        {
            FrameParser parser = new();
            byte[] noise = new byte[random.Next(1, 3 * FrameHeader.MaxFrame)];
            random.NextBytes(noise);
            for (int i = 0; i < 20; i++)
            {
                // Noise that looks like ours: magics and cut headers.
                byte[] lure = Frame(FrameKind.Data, 9, new string('l', random.Next(100)))[..random.Next(4, 41)];
                lure.AsSpan(0, Math.Min(lure.Length, noise.Length)).CopyTo(noise.AsSpan(random.Next(0, Math.Max(1, noise.Length - lure.Length))));
            }
            Assert.Equal([3u], FeedAndRead(parser, [.. noise, .. new byte[FrameHeader.MaxFrame], .. Frame(FrameKind.Hello, 3, "here")]).Where(request => request != 9));
        }
    }

    [Fact]
    public void A_payload_beyond_the_bound_can_be_neither_written_nor_announced()
    {
        byte[] tooMuch = new byte[FrameHeader.MaxPayload + 1];
        Assert.Throws<ArgumentOutOfRangeException>(() => FrameHeader.WriteFrame(new byte[2 * FrameHeader.MaxFrame], FrameKind.Data, 1, Session, tooMuch));

        byte[] frame = Frame(FrameKind.Data, 1, "");
        frame[11] = 0x7f;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(32), System.IO.Hashing.XxHash3.HashToUInt64(frame.AsSpan(0, 32)));
        Assert.False(FrameHeader.TryRead(frame, out _));
    }

    private static byte[] Frame(FrameKind kind, uint request, string payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        Assert.Equal(frame.Length, FrameHeader.WriteFrame(frame, kind, request, Session, Encoding.UTF8.GetBytes(payload)));
        return frame;
    }

    private static void Feed(FrameParser parser, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(parser.Free.Span);
        parser.Advance(bytes.Length);
    }

    private static List<uint> FeedAndRead(FrameParser parser, byte[] bytes)
    {
        List<uint> found = [];
        for (int at = 0; at < bytes.Length;)
        {
            int some = Math.Min(bytes.Length - at, parser.Free.Length);
            Feed(parser, bytes.AsSpan(at, some));
            at += some;
            while (parser.TryRead(out FrameHeader header, out _))
                found.Add(header.Request);
        }
        return found;
    }
}
