using System.Net;
using Watari.Benchmarks.Core;
using Watari.Transfer;

namespace Watari.Benchmarks.Transfer;

/// <summary>Pages between hosts against a raw socket and against memcpy.</summary>
internal sealed class TransferBenchmark : IBenchmark
{
    public string Name => "transfer";

    public string Description => "pages over TCP on loopback, hashed at both ends, against a raw socket with 1 MiB buffers";

    public BenchmarkSize Usual => new(MiB: 512, Rounds: 5);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        Setting setting = Setting.OfMachine();
        int bytes = checked((int)size.Bytes);
        using NativeBuffer random = new(bytes);
        using NativeBuffer zero = new(bytes);
        using NativeBuffer copy = new(bytes);
        new Random(1).NextBytes(random.Span);
        zero.Span.Clear();

        double[] best = await Rounds.BestAsync(size,
            () => Rounds.TimeAsync(() => Task.Run(() => random.Span.CopyTo(copy.Span), cancellation)),
            () => Rounds.TimeAsync(() => RawSocket.SendAsync(bytes, 1)),
            () => Rounds.TimeAsync(() => RawSocket.SendAsync(bytes, 2)),
            () => TransferAsync(random, 1, 512, ahead: true, cancellation),
            () => TransferAsync(random, 2, 512, ahead: true, cancellation),
            () => TransferAsync(random, 2, 1, ahead: true, cancellation),
            () => TransferAsync(random, 2, 512, ahead: false, cancellation),
            () => TransferAsync(zero, 2, 512, ahead: false, cancellation));

        Report report = new(Name, setting);
        report.Add(new Figure("memcpy", best[0], "MiB/s"));
        report.Add(new Figure("raw socket, 1 stream", best[1], "MiB/s"));
        report.Add(new Figure("raw socket, 2 streams", best[2], "MiB/s"));
        report.Add(new Figure("pages, 1 stream", best[3], "MiB/s", "raw socket, 1 stream", Goal.ShareAtLeast(0.7)));
        report.Add(new Figure("pages, 2 streams", best[4], "MiB/s", "raw socket, 2 streams", Goal.ShareAtLeast(0.7)));
        report.Add(new Figure("pages in runs of one, 2 streams", best[5], "MiB/s", "raw socket, 2 streams"));
        report.Add(new Figure("pages, no room made ahead, 2 streams", best[6], "MiB/s", "raw socket, 2 streams"));
        report.Add(new Figure("zero pages, 2 streams", best[7], "MiB/s", "memcpy"));
        return report;
    }

    private static async Task<TimeSpan> TransferAsync(NativeBuffer memory, int streams, int pagesInRun, bool ahead, CancellationToken cancellation)
    {
        PageRun[] runs = RunsOf(memory, pagesInRun);
        using PageReceiver receiver = new(new IPEndPoint(IPAddress.Loopback, 0));
        using PageReception reception = receiver.Expect(JobId.New(), new Epoch(1), room: ahead ? new PageCount(memory.Length / PageCount.Size) : default);
        // A migration makes room while it prepares, long before the source stands still.
        await reception.RoomMade;
        PageSender sender = new(new PageTransfer
        {
            Destination = receiver.EndPoint,
            Job = reception.Job,
            Epoch = reception.Epoch,
            Pages = new PageRunList(runs),
            Streams = streams,
        });
        return await Rounds.TimeAsync(async () =>
        {
            await sender.SendAsync(cancellation);
            using ReceivedPages received = await reception.Completion;
        });
    }

    /// <summary>The memory as runs that do not continue each other, as guest memory is scattered.</summary>
    private static PageRun[] RunsOf(NativeBuffer memory, int pagesInRun)
    {
        int bytes = pagesInRun * PageCount.Size;
        PageRun[] runs = new PageRun[memory.Length / bytes];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = PageRun.Over(new AddressSpaceId(1), new VirtualPage((ulong)(i * (pagesInRun + 1))), memory.Span.Slice(i * bytes, bytes));
        return runs;
    }
}
