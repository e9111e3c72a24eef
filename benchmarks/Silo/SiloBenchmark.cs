using Watari.Benchmarks.Core;
using Watari.Benchmarks.Downtime;
using Watari.Benchmarks.Guests;
using Watari.Guests;
using Watari.Processes;

namespace Watari.Benchmarks.Silo;

/// <summary>What the daemon costs: its start, the console's first answer from it, and its memory beside the guests' that it maps.</summary>
internal sealed class SiloBenchmark : IBenchmark
{
    private const double MostMegabytes = 300;

    public string Name => "silo";

    public string Description => "a silo's start, the console's first answer, and the silo's memory beyond its mappings of guest RAM";

    public BenchmarkSize Usual => new(MiB: 100, Rounds: 5);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        Report report = new(Name, Setting.OfMachine());
        (Spread start, Spread answer) = await StartsAsync(size.Rounds);
        report.Add(new Figure("start to ready", start.Median, "ms"));
        report.Add(new Figure("watari hosts, first answer", answer.Median, "ms"));

        GuestOptions guest = new() { MemoryMiB = 1024 };
        await using TwoHosts hosts = await TwoHosts.StartAsync(
            new TwoHostsOptions { Programs = Published.Folder, GuestA = guest with { Setup = MeasuredGuest.WithRedis(size.MiB).Setup }, GuestB = guest },
            cancellation);
        int[] silos = [hosts.A.Silo.Process.Id, hosts.B.Silo.Process.Id];
        double ready = silos.Max(SiloMemory.Beyond);
        await CheckAsync(hosts, "vms");
        double attached = silos.Max(SiloMemory.Beyond);
        double peak = 0;
        using (CancellationTokenSource over = new())
        {
            Task<double> watching = Task.Run(() => PeakAsync(silos, over.Token), CancellationToken.None);
            await Migration.RunAsync(hosts, hosts.B);
            await Migration.RunAsync(hosts, hosts.A);
            await over.CancelAsync();
            peak = await watching;
        }

        report.Add(new Figure("memory when ready", ready, "MB", null, Goal.AtMost(MostMegabytes)));
        report.Add(new Figure("memory with a VM attached", attached, "MB", null, Goal.AtMost(MostMegabytes)));
        report.Add(new Figure("memory after two migrations", silos.Max(SiloMemory.Beyond), "MB", null, Goal.AtMost(MostMegabytes)));
        report.Add(new Figure("  most while it migrated", peak, "MB"));
        return report;
    }

    private static async Task<(Spread Start, Spread Answer)> StartsAsync(int rounds)
    {
        List<double> starts = [];
        List<double> answers = [];
        for (int round = 0; round < rounds; round++)
        {
            await using WatariProcesses processes = new("watari-silo", Published.Folder);
            starts.Add((await Rounds.TimeAsync(() => processes.StartSiloAsync("host-a"))).TotalMilliseconds);
            Run run = null!;
            answers.Add((await Rounds.TimeAsync(async () => run = await processes.WatariAsync("hosts"))).TotalMilliseconds);
            if (run.Code != 0) throw new InvalidOperationException($"watari hosts ended with {run.Code}: {run.Error}");
        }
        return (Spread.Of(starts), Spread.Of(answers));
    }

    /// <summary>The most that one of them took at a time.</summary>
    private static async Task<double> PeakAsync(int[] silos, CancellationToken over)
    {
        double files = silos.Max(silo => SiloMemory.Beyond(silo) - SiloMemory.Anonymous(silo));
        double peak = 0;
        while (!over.IsCancellationRequested)
        {
            peak = Math.Max(peak, silos.Max(SiloMemory.Anonymous));
            await Task.Delay(10, CancellationToken.None);
        }
        return files + peak;
    }

    private static async Task CheckAsync(TwoHosts hosts, params string[] command)
    {
        Run run = await hosts.WatariAsync(command);
        if (run.Code != 0) throw new InvalidOperationException($"watari {string.Join(' ', command)} ended with {run.Code}: {run.Error}");
    }
}
