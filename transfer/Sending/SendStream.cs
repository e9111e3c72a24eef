using System.Net;
using System.Net.Sockets;
using System.Text;
using Watari.Transfer.Sockets;
using Watari.Transfer.Wire;

namespace Watari.Transfer.Sending;

/// <summary>One of a transfer's streams, from hello to the destination's last word. Runs on a thread of its own.</summary>
internal sealed class SendStream(PageTransfer transfer, IPEndPoint destination, int index, RunDivider pages, TransferCounters counters) : IDisposable
{
    private readonly BulkSocket _socket = BulkSocket.For(destination);
    private StreamTotals _totals;
    private volatile bool _aborted;

    /// <summary>Sends this stream's share, up to the end of the stream.</summary>
    public void Run()
    {
        _socket.SetDeadline(transfer.Limits.HelloTimeout);
        _socket.Connect(destination);
        // A socket that is not connected yet cannot be shut down.
        if (_aborted) throw new TransferException(TransferFailure.Cancelled, "The transfer was given up.");
        _socket.Write(HelloOf());
        Await("refused the stream");

        _socket.SetDeadline(transfer.Limits.StallTimeout);
        try
        {
            if (index == 0) SendBlobs();
            SendPages();
            SendEnd();
        }
        catch (TransferException e) when (e.Failure == TransferFailure.PeerVanished && LastWord() is { } reason)
        {
            // A destination that gives up says why before it hangs up; that is worth more than "connection reset".
            throw reason;
        }
    }

    /// <summary>Waits for the destination's last word. It speaks when all streams have ended, not earlier.</summary>
    public void Confirm() => Await("did not accept what arrived");

    /// <summary>Makes <see cref="Run"/> fail soon. May be called from any thread.</summary>
    public void Abort()
    {
        _aborted = true;
        _socket.Shutdown(SocketShutdown.Both);
    }

    public void Dispose() => _socket.Dispose();

    private Hello HelloOf()
    {
        long blobBytes = 0;
        foreach (MetadataBlob blob in transfer.Metadata) blobBytes += blob.Content.Length;
        return new Hello(Hello.ExpectedMagic, Hello.CurrentVersion, (ushort)index, (ushort)transfer.Streams, 0,
            transfer.Job.Value, transfer.Epoch.Value, transfer.Pages.Pages.Value, blobBytes, transfer.Metadata.Count, 0);
    }

    private void SendBlobs()
    {
        foreach (MetadataBlob blob in transfer.Metadata)
        {
            byte[] name = Encoding.UTF8.GetBytes(blob.Name);
            _socket.Write(new FrameHeader(FrameKind.Blob, (uint)name.Length, blob.Content.Length));
            _socket.Write(name);
            for (int sent = 0; sent < blob.Content.Length; sent += BlobPiece)
                _socket.Write(blob.Content.Span[sent..Math.Min(sent + BlobPiece, blob.Content.Length)]);
            _totals = _totals with
            {
                Blobs = _totals.Blobs + 1,
                BlobBytes = _totals.BlobBytes + blob.Content.Length,
                BlobDigest = _totals.BlobDigest + BlobDigest.Of(name, blob.Content.Span),
            };
            counters.AddBlob(FrameHeader.Size + name.Length + blob.Content.Length, blob.Content.Length);
        }
    }

    // A deadline is for a piece, so that a large blob may take its time.
    private const int BlobPiece = 1 << 20;

    private void SendPages()
    {
        BatchBuilder batch = new();
        while (batch.Fill(pages, ref _totals))
        {
            _socket.Write(batch.Pieces);
            counters.AddBatch(batch.Bytes, batch.Normal, batch.Zero);
        }
    }

    private void SendEnd()
    {
        _socket.Write(new FrameHeader(FrameKind.End, StreamTotals.Size, 0));
        _socket.Write(_totals);
    }

    private void Await(string what)
    {
        if (Refusal(_socket.Read<Verdict>(), what) is { } refusal) throw refusal;
    }

    private TransferException? LastWord()
    {
        try
        {
            return Refusal(_socket.Read<Verdict>(), "gave up");
        }
        catch (TransferException)
        {
            return null;
        }
    }

    private TransferException? Refusal(in Verdict verdict, string what)
    {
        if (verdict.Magic != Verdict.ExpectedMagic)
            return new TransferException(TransferFailure.VersionMismatch, $"What answers at {destination} is no page receiver.");
        if (verdict.Failure == TransferFailure.None) return null;
        string why = verdict.Failure switch
        {
            TransferFailure.VersionMismatch => $"it speaks version {verdict.Version} of the protocol, this host {Hello.CurrentVersion}",
            TransferFailure.StaleEpoch => $"it knows {new Epoch(verdict.Epoch)} of job {transfer.Job}, this host holds {transfer.Epoch}",
            TransferFailure.UnknownJob => $"it does not expect job {transfer.Job}",
            _ => verdict.Failure.ToString(),
        };
        return new TransferException(verdict.Failure, $"The destination {destination} {what}: {why}.") { ByPeer = true };
    }
}
