using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;

namespace Watari.Benchmarks.Capture;

/// <summary>Reading a frozen redis out of a VM, as a migration does: its structure, its images, and all of its own pages.</summary>
internal sealed class CaptureBenchmark : IBenchmark
{
    public string Name => "capture";

    public string Description => "structure, images and pages of a frozen redis, beside memcpy";

    public BenchmarkSize Usual => new(MiB: 200, Rounds: 5);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        Setting setting = Setting.OfMachine();
        await using MeasuredGuest guest = await MeasuredGuest.StartAsync(MeasuredGuest.WithRedis(size.MiB), cancellation);
        return await guest.Threads.RunAsync(() => Measure(guest, size, setting, cancellation), cancellation);
    }

    private Report Measure(MeasuredGuest guest, BenchmarkSize size, Setting setting, CancellationToken cancellation)
    {
        double memcpy = 0;
        FrozenRedis.Capture? best = null;
        for (int round = -1; round < size.Rounds; round++)
        {
            using FrozenRedis redis = new(guest.Vm);
            FrozenRedis.Capture capture = redis.Read(cancellation);
            memcpy = Math.Max(memcpy, Memcpy.GigabytesPerSecond(size.Bytes));
            // The first round only warms up.
            if (round >= 0 && (best is null || capture.Took < best.Took)) best = capture;
        }

        Report report = new(Name, setting with { Guest = guest.Setting });
        report.Add(new Figure("memcpy", memcpy, "GB/s"));
        report.Add(new Figure("capture", best!.Bytes / 1e9 / best.Took.TotalSeconds, "GB/s", "memcpy", Goal.AtLeast(1.5), Goal.ShareAtLeast(0.5)));
        report.Add(new Figure("  memory", best.Bytes / 1e6, "MB"));
        report.Add(new Figure("  structure and images", best.Structure.TotalMilliseconds, "ms"));
        report.Add(new Figure("  pages", best.Reading.TotalMilliseconds, "ms"));
        report.Add(new Figure("  pauses for the pages", best.Pauses.Count, ""));
        report.Add(new Figure("  longest of them", best.Pauses.Longest.TotalMilliseconds, "ms"));
        return report;
    }
}
