using System.Buffers;
using Watari.Checkpoint.Model;
using Watari.Introspection.Net;
using Watari.Introspection.Walks;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// Established connections: their sequence numbers, windows, and the bytes on both sides that the other program has not read,
/// as TCP_REPAIR would show them (net/ipv4/tcp.c). inq: copied_seq to rcv_nxt; outq: snd_una to write_seq.
/// </summary>
internal static class TcpStreams
{
    private const byte Syn = 2; // TCPHDR_SYN
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const long NanosecondsPerMicrosecond = 1_000;

    /// <summary>The connection; null where it is refused.</summary>
    public static TcpStream? Capture(CapturedFile file, Sock sock, TcpSock tcp)
    {
        uint receive = tcp.RcvNxt;
        uint send = tcp.WriteSeq;
        if (Collect(file, sock.SkReceiveQueue.Packets, tcp.CopiedSeq, receive) is not { } received
            || Collect(file, Unacknowledged(sock, tcp), tcp.SndUna, send) is not { } sent)
        {
            file.Refuse("the bytes in its queues do not fit its sequence numbers; try again");
            return null;
        }

        return new TcpStream
        {
            ReceiveSequence = receive,
            ReceiveQueue = received,
            SendSequence = send,
            SendQueue = sent,
            Unsent = send - tcp.SndNxt,
            Timestamps = tcp.TimestampsAgreed,
            SelectiveAcknowledgement = tcp.SackAgreed != 0,
            WindowScaling = tcp.WindowScalingAgreed,
            SendWindowScale = tcp.SendWindowScale,
            ReceiveWindowScale = tcp.ReceiveWindowScale,
            MaximumSegmentSize = tcp.MssClamp,
            Timestamp = TimestampOf(file.Scope, tcp),
            Window = new TcpWindow(tcp.SndWl1, tcp.SndWnd, tcp.MaxWindow, tcp.RcvWnd, tcp.RcvWup),
        };
    }

    /// <summary>TCP_TIMESTAMP: the clock that the connection's timestamps come from; its lowest bit says microseconds.</summary>
    private static uint TimestampOf(FileScope scope, TcpSock tcp)
    {
        bool microseconds = tcp.TcpUsecTs ?? false;
        long ticks = scope.Clocks.Monotonic / (microseconds ? NanosecondsPerMicrosecond : NanosecondsPerMillisecond);
        uint timestamp = unchecked((uint)ticks + tcp.Tsoffset);
        if (tcp.TcpUsecTs is null) return timestamp;
        return microseconds ? timestamp | 1 : timestamp & ~1u;
    }

    private static IEnumerable<SkBuff> Unacknowledged(Sock sock, TcpSock tcp)
    {
        foreach (SkBuff packet in Walk(tcp.Retransmits)) yield return packet;
        foreach (SkBuff packet in sock.SkWriteQueue.Packets) yield return packet;

        static IEnumerable<SkBuff> Walk(RbEntries<SkBuff> packets)
        {
            foreach (SkBuff packet in packets) yield return packet;
        }
    }

    /// <summary>The bytes from one sequence number up to another; null where the packets do not cover them exactly.</summary>
    private static ReadOnlyMemory<byte>? Collect(CapturedFile file, IEnumerable<SkBuff> packets, uint from, uint to)
    {
        uint length = unchecked(to - from);
        if (length > (uint)file.File.Kernel.Limits.QueueBytes) return null;
        file.Budget.TakeBytes(length);
        var bytes = new byte[length];
        uint covered = 0;
        foreach (SkBuff packet in packets)
        {
            if (covered == length) break;
            TcpSkbCb control = TcpSkbCb.Of(packet);
            uint first = unchecked(control.Seq + ((control.TcpFlags & Syn) != 0 ? 1u : 0) - from); // the SYN takes a number too
            var data = new ArrayBufferWriter<byte>();
            packet.AppendTo(data);
            file.Budget.TakeObjects(1);
            int skip = unchecked((int)(covered - first)); // what was read or acknowledged of it already
            if (skip < 0) return null;
            ReadOnlySpan<byte> rest = data.WrittenSpan[Math.Min(skip, data.WrittenCount)..];
            int take = (int)Math.Min((uint)rest.Length, length - covered);
            rest[..take].CopyTo(bytes.AsSpan((int)covered));
            covered += (uint)take;
        }

        return covered == length ? bytes : null;
    }
}
