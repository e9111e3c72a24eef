using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>tcp-stream-INODE: an established connection.</summary>
internal static class TcpStreamImages
{
    private const uint TcpEstablished = 1;

    // TCPI_OPT_… (linux/tcp.h).
    private const uint OptionTimestamps = 1;
    private const uint OptionSack = 2;
    private const uint OptionWindowScale = 4;

    public static void Build(ImageSetWriter images, Container container)
    {
        foreach (InetSocket socket in container.Files.OfType<InetSocket>())
        {
            if (socket.Stream is not { } stream)
                continue;
            var writer = new CriuImageWriter(CriuImageKinds.TcpStream);
            writer.Add(Build(stream, socket.Tcp), [.. stream.ReceiveQueue.Span, .. stream.SendQueue.Span]);
            images.Add(CriuImageKinds.TcpStream.FileName(socket.Inode), writer.ToArray());
        }
    }

    public static TcpStream? Parse(ImageSetView images, Proto.InetSkEntry socket)
    {
        if (socket.Proto != InetSocketImages.ProtocolTcp || socket.State != TcpEstablished)
            return null;
        string name = CriuImageKinds.TcpStream.FileName(socket.Ino);
        List<CriuImageEntry> entries = images.Read(CriuImageKinds.TcpStream, socket.Ino);
        if (entries.Count != 1)
            throw new CriuImageException(name, $"an established connection needs one entry; {entries.Count} are there");
        var entry = (Proto.TcpStreamEntry)entries[0].Message;
        return new TcpStream
        {
            ReceiveSequence = entry.InqSeq,
            ReceiveQueue = entries[0].Payload[..(int)entry.InqLen],
            SendSequence = entry.OutqSeq,
            SendQueue = entries[0].Payload[(int)entry.InqLen..],
            Unsent = entry.UnsqLen,
            Timestamps = (entry.OptMask & OptionTimestamps) != 0,
            SelectiveAcknowledgement = (entry.OptMask & OptionSack) != 0,
            WindowScaling = (entry.OptMask & OptionWindowScale) != 0,
            SendWindowScale = entry.SndWscale,
            ReceiveWindowScale = entry.RcvWscale,
            MaximumSegmentSize = entry.MssClamp,
            Timestamp = entry.Timestamp,
            Window = entry.HasSndWnd ? new TcpWindow(entry.SndWl1, entry.SndWnd, entry.MaxWindow, entry.RcvWnd, entry.RcvWup) : null,
        };
    }

    private static Proto.TcpStreamEntry Build(TcpStream stream, TcpOptions? options)
    {
        var entry = new Proto.TcpStreamEntry
        {
            InqLen = (uint)stream.ReceiveQueue.Length,
            InqSeq = stream.ReceiveSequence,
            OutqLen = (uint)stream.SendQueue.Length,
            OutqSeq = stream.SendSequence,
            OptMask = (stream.Timestamps ? OptionTimestamps : 0)
                | (stream.SelectiveAcknowledgement ? OptionSack : 0)
                | (stream.WindowScaling ? OptionWindowScale : 0),
            SndWscale = stream.SendWindowScale,
            MssClamp = stream.MaximumSegmentSize,
            UnsqLen = stream.Unsent,
        };
        if (stream.WindowScaling)
            entry.RcvWscale = stream.ReceiveWindowScale;
        if (stream.Timestamps)
            entry.Timestamp = stream.Timestamp;
        if (options is { Cork: true })
            entry.Cork = true;
        if (options is { NoDelay: true })
            entry.Nodelay = true;
        if (stream.Window is { } window)
        {
            entry.SndWl1 = window.SendWl1;
            entry.SndWnd = window.SendWindow;
            entry.MaxWindow = window.MaximumWindow;
            entry.RcvWnd = window.ReceiveWindow;
            entry.RcvWup = window.ReceiveWup;
        }
        return entry;
    }
}
