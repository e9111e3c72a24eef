using System.Diagnostics;
using System.Net;
using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Checkpoint.Restore;
using Watari.Silo.Engine.Migration;
using Watari.Transfer;

namespace Watari.Benchmarks.MemWrite;

/// <summary>
/// Writing a process's memory from outside, in pauses, and reading it back against its hash. What is written is what a capture of
/// the same redis brought, into the same redis: so it holds the right bytes whatever happens, and no page is missing.
/// </summary>
internal sealed class MemWriteBenchmark : IBenchmark
{
    /// <summary>A container's first process has the number 1 in it; its pages travel under that.</summary>
    private static readonly AddressSpaceId s_redis = new(1);

    public string Name => "memwrite";

    public string Description => "memory of a frozen redis written in place and read back, beside memcpy";

    public BenchmarkSize Usual => new(MiB: 200, Rounds: 5);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        Setting setting = Setting.OfMachine();
        await using MeasuredGuest guest = await MeasuredGuest.StartAsync(MeasuredGuest.WithRedis(size.MiB), cancellation);
        using FrozenRedis redis = await guest.Threads.RunAsync(() => new FrozenRedis(guest.Vm), cancellation);
        FrozenRedis.Capture capture = await guest.Threads.RunAsync(() => redis.Read(cancellation), cancellation);
        using ReceivedPages received = await ReceiveAsync(capture.Pages, cancellation);
        return await guest.Threads.RunAsync(() => Measure(guest, redis, received.Pages, size, setting, cancellation), cancellation);
    }

    private Report Measure(MeasuredGuest guest, FrozenRedis redis, PageStore pages, BenchmarkSize size, Setting setting, CancellationToken cancellation)
    {
        InPlaceWriter writer = new(guest.Vm.Kernel(), guest.Vm.Writer, guest.Vm.Cpus);
        double memcpy = 0;
        (TimeSpan Took, InPlaceResult Result) best = (TimeSpan.MaxValue, null!);
        for (int round = -1; round < size.Rounds; round++)
        {
            ReceivedMemory memory = new(pages, s_redis);
            long began = Stopwatch.GetTimestamp();
            InPlaceResult result = writer.Write(redis.Tasks, redis.Pid, memory, cancellation);
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            if (result.Missing.Count > 0 || memory.Digest != pages.DigestOf(s_redis))
                throw new InvalidOperationException("What was written is not all that was captured.");
            // The first round only warms up.
            if (round >= 0 && took < best.Took) best = (took, result);
            memcpy = Math.Max(memcpy, Memcpy.GigabytesPerSecond(size.Bytes));
        }

        double gigabytes = best.Result.Written.Bytes / 1e9;
        Report report = new(Name, setting with { Guest = guest.Setting });
        report.Add(new Figure("memcpy", memcpy, "GB/s"));
        report.Add(new Figure("memwrite", gigabytes / best.Took.TotalSeconds, "GB/s", "memcpy", Goal.AtLeast(1.5)));
        report.Add(new Figure("  while the guest is paused", gigabytes / best.Result.Pauses.Total.TotalSeconds, "GB/s", "memcpy"));
        report.Add(new Figure("  memory", gigabytes * 1e3, "MB"));
        report.Add(new Figure("  altogether", best.Took.TotalMilliseconds, "ms"));
        report.Add(new Figure("  pauses", best.Result.Pauses.Count, ""));
        report.Add(new Figure("  longest pause", best.Result.Pauses.Longest.TotalMilliseconds, "ms"));
        return report;
    }

    /// <summary>The captured pages as a destination's host holds them.</summary>
    private static async Task<ReceivedPages> ReceiveAsync(OutgoingPages pages, CancellationToken cancellation)
    {
        using PageReceiver receiver = new(new IPEndPoint(IPAddress.Loopback, 0));
        using PageReception reception = receiver.Expect(JobId.New(), new Epoch(1), room: pages.Pages);
        await new PageSender(new PageTransfer { Destination = receiver.EndPoint, Job = reception.Job, Epoch = reception.Epoch, Pages = pages }).SendAsync(cancellation);
        return await reception.Completion;
    }
}
