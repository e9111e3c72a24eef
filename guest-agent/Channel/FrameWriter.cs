using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Channel;

/// <summary>Writes frames to the port. What belongs to a session that is over is dropped: nobody would read it.</summary>
internal sealed class FrameWriter(Port port)
{
    private readonly Lock gate = new();
    private readonly byte[] frame = new byte[FrameHeader.MaxFrame];
    private long session;

    public ulong Session
    {
        get => (ulong)Volatile.Read(ref session);
        set => Volatile.Write(ref session, (long)value);
    }

    /// <summary>Tells a new session, or in session 0 whoever listens, who speaks; zeros first, to end whatever half frame the other side waits for.</summary>
    public void Greet(FrameKind kind, AgentHello hello)
    {
        ulong mine = Session;
        lock (gate)
        {
            frame.AsSpan().Clear();
            if (port.Write(frame, () => Session == mine))
                Write(kind, 0, mine, JsonSerializer.SerializeToUtf8Bytes(hello, AgentJson.Default.AgentHello));
        }
    }

    public void Send(FrameKind kind, uint request, ulong to, ReadOnlySpan<byte> payload)
    {
        lock (gate)
            Write(kind, request, to, payload);
    }

    public void SendJson<T>(FrameKind kind, uint request, ulong to, T message, JsonTypeInfo<T> type) =>
        Send(kind, request, to, JsonSerializer.SerializeToUtf8Bytes(message, type));

    private void Write(FrameKind kind, uint request, ulong to, ReadOnlySpan<byte> payload)
    {
        if (to == Session)
            port.Write(frame.AsSpan(0, FrameHeader.WriteFrame(frame, kind, request, to, payload)), () => to == Session);
    }
}

/// <summary>The data before an answer: parts of a fixed size each, joined into frames.</summary>
internal sealed class DataSender(FrameWriter writer, uint request, ulong session)
{
    private readonly XxHash3 hash = new();
    private readonly byte[] buffer = new byte[FrameHeader.MaxPayload];
    private int filled;

    /// <summary>Room for one more part, to be written at once.</summary>
    public Span<byte> Next(int size)
    {
        if (filled + size > buffer.Length)
            Flush();
        filled += size;
        return buffer.AsSpan(filled - size, size);
    }

    public void End()
    {
        Flush();
        Span<byte> end = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(end, hash.GetCurrentHashAsUInt64());
        writer.Send(FrameKind.DataEnd, request, session, end);
    }

    private void Flush()
    {
        if (filled == 0)
            return;
        hash.Append(buffer.AsSpan(0, filled));
        writer.Send(FrameKind.Data, request, session, buffer.AsSpan(0, filled));
        filled = 0;
    }
}
