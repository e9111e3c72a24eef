using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Watari.Transfer.Sockets;
using Watari.Transfer.Wire;

namespace Watari.Transfer.Receiving;

/// <summary>One accepted stream of a reception. Runs on a thread of its own; everything that arrives is suspect.</summary>
internal sealed class ReceiveStream(BulkSocket socket, Hello hello, TransferLimits limits, PageStoreBuilder store, TransferCounters counters)
{
    private readonly byte[] _table = new byte[Batch.MaxRuns * WireRun.Size];
    private StreamTotals _totals;
    private readonly HashSet<string> _names = [];
    private volatile bool _aborted;
    private int _finished;

    public RunIndex Index { get; } = new();

    public SpaceDigests Digests { get; } = new(limits.MaxAddressSpaces);

    public List<MetadataBlob> Blobs { get; } = [];

    /// <summary>Reads up to the end of the stream and checks it.</summary>
    public void Run()
    {
        using PageStoreBuilder.Hold mapped = store.KeepMapped();
        socket.Write(Verdict.Of(TransferFailure.None, new Epoch(hello.Epoch)));
        socket.SetDeadline(limits.StallTimeout);
        while (true)
        {
            FrameHeader header = socket.Read<FrameHeader>();
            if (_aborted) throw new TransferException(TransferFailure.Cancelled, "The reception has ended.");
            switch (header.Kind)
            {
                case FrameKind.Batch:
                    ReadBatch(header);
                    break;
                case FrameKind.Blob:
                    ReadBlob(header);
                    break;
                case FrameKind.End:
                    ReadEnd(header);
                    return;
                default:
                    throw Violation($"a frame of unknown kind {(uint)header.Kind}");
            }
        }
    }

    /// <summary>Whether <see cref="Run"/> has ended well and the stream waits for the others; guarded by the reception.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Makes <see cref="Run"/> fail soon, while a last word can still be sent. May be called from any thread.</summary>
    public void Abort()
    {
        _aborted = true;
        socket.Shutdown(SocketShutdown.Receive);
    }

    /// <summary>Says the last word and closes; once, whoever comes first.</summary>
    public void Finish(in Verdict verdict)
    {
        if (Interlocked.Exchange(ref _finished, 1) != 0) return;
        try
        {
            socket.Write(verdict);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (TransferException)
        {
            // The source has gone and needs no answer.
        }
        socket.Dispose();
    }

    private void ReadBatch(in FrameHeader header)
    {
        if (header.Small is 0 or > Batch.MaxRuns || header.Large is < 0 or > Batch.MaxPages)
            throw Violation($"a batch of {header.Small} runs and {header.Large} pages");
        int tableBytes = (int)header.Small * WireRun.Size;
        socket.ReadExactly(_table.AsSpan(0, tableBytes));
        ReadOnlySpan<WireRun> runs = MemoryMarshal.Cast<byte, WireRun>(_table.AsSpan(0, tableBytes));
        int normal = (int)header.Large;
        long zero = Check(runs, normal);

        long place = store.Reserve(normal, zero);
        Span<byte> pages = store.Pages(place, normal);
        socket.ReadExactly(pages);

        PageDigest places = _totals.Places;
        foreach (ref readonly WireRun run in runs)
        {
            ref PageDigest digest = ref Digests.Of(run.SpaceId);
            StoredRun stored = new(run.SpaceId, run.Count, run.FirstPage, run.IsZero ? StoredRun.Zero : place);
            if (run.IsZero)
            {
                places = places.WithPlaces(run.SpaceId, run.FirstPage, run.Count);
            }
            else
            {
                int bytes = (int)run.Count * PageCount.Size;
                digest = digest.WithRun(run.SpaceId, run.FirstPage, pages[..bytes]);
                pages = pages[bytes..];
                place += run.Count;
            }
            if (Index.Add(stored)) store.CountRun();
        }
        _totals = _totals with { Normal = _totals.Normal + normal, Zero = _totals.Zero + zero, Places = places };
        counters.AddBatch(FrameHeader.Size + tableBytes + normal * (long)PageCount.Size, normal, zero);
    }

    private static long Check(ReadOnlySpan<WireRun> runs, int announced)
    {
        long normal = 0;
        long zero = 0;
        foreach (ref readonly WireRun run in runs)
        {
            if (run.Count == 0 || run.First >= VirtualPage.Limit || run.First + run.Count > VirtualPage.Limit)
                throw Violation($"a run of {run.Count} pages at 0x{run.First:x}");
            if (run.IsZero) zero += run.Count;
            else normal += run.Count;
        }
        return normal == announced ? zero : throw Violation($"a batch of {announced} pages whose runs add up to {normal}");
    }

    private void ReadBlob(in FrameHeader header)
    {
        if (hello.StreamIndex != 0 || _totals.Normal + _totals.Zero != 0) throw Violation("metadata after pages");
        if (header.Small == 0 || header.Small > limits.MaxNameBytes) throw Violation($"a blob's name of {header.Small} bytes");
        if (Blobs.Count == hello.Blobs || header.Large < 0 || header.Large > hello.BlobBytes - _totals.BlobBytes || header.Large > Array.MaxLength)
            throw new TransferException(TransferFailure.LimitExceeded, "The source sends more metadata than it announced.");
        Span<byte> name = stackalloc byte[(int)header.Small];
        socket.ReadExactly(name);
        byte[] content = GC.AllocateUninitializedArray<byte>((int)header.Large);
        // A deadline is for a piece, so that a large blob may take its time.
        for (int done = 0; done < content.Length; done += BlobPiece)
            socket.ReadExactly(content.AsSpan(done, Math.Min(BlobPiece, content.Length - done)));
        MetadataBlob blob = new(Encoding.UTF8.GetString(name), content);
        if (!_names.Add(blob.Name)) throw Violation($"the blob '{blob.Name}' twice");
        Blobs.Add(blob);
        _totals = _totals with
        {
            Blobs = _totals.Blobs + 1,
            BlobBytes = _totals.BlobBytes + content.Length,
            BlobDigest = _totals.BlobDigest + BlobDigest.Of(name, content),
        };
        counters.AddBlob(FrameHeader.Size + name.Length + content.Length, content.Length);
    }

    private const int BlobPiece = 1 << 20;

    private void ReadEnd(in FrameHeader header)
    {
        if (header.Small != StreamTotals.Size) throw Violation($"totals of {header.Small} bytes");
        StreamTotals sent = socket.Read<StreamTotals>();
        StreamTotals arrived = _totals with { Pages = Digests.Sum() };
        if (sent != arrived)
            throw new TransferException(TransferFailure.HashMismatch,
                $"What arrived on stream {hello.StreamIndex} is not what was sent: {arrived.Normal} pages, {arrived.Zero} zero pages and {arrived.Blobs} blobs with digests {arrived.Pages}, {arrived.Places}, {arrived.BlobDigest} "
                + $"against {sent.Normal}, {sent.Zero} and {sent.Blobs} with {sent.Pages}, {sent.Places}, {sent.BlobDigest}.");
        if (hello.StreamIndex == 0 && Blobs.Count != hello.Blobs) throw Violation($"{Blobs.Count} of {hello.Blobs} announced blobs");
    }

    private static TransferException Violation(string what) =>
        new(TransferFailure.ProtocolViolation, $"The source sent {what}.");
}
