using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Guests;

namespace Watari.Benchmarks.Downtime;

/// <summary>
/// How long a redis is away: migrated by two silos and the console from one VM to another, beside what is done inside the same VM
/// with the same data by podman and by runc, both with CRIU, a checkpoint and a restore. All take turns.
/// </summary>
internal sealed class DowntimeBenchmark : IBenchmark
{
    private const string Podman = "podman checkpoint + restore";
    private const string Runc = "runc checkpoint + restore";

    public string Name => "downtime";

    public string Description => "the downtime of a redis that is migrated, beside podman's and runc's checkpoint and restore in the same guest";

    public BenchmarkSize Usual => new(MiB: 100, Rounds: 4);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        Setting setting = Setting.OfMachine();
        GuestOptions guest = new() { MemoryMiB = 1024 + (6 * size.MiB) };
        await using TwoHosts hosts = await TwoHosts.StartAsync(
            new TwoHostsOptions { Programs = Published.Folder, GuestA = guest with { Setup = FromInside.Setup(size.MiB) }, GuestB = guest },
            cancellation);
        string before = await hosts.A.Containers.DigestAsync(cancellation: cancellation);

        List<Migration> migrations = [];
        List<FromInside> podman = [];
        List<FromInside> runc = [];
        for (int round = 0; round < size.Rounds; round++)
        {
            migrations.Add(await Migration.RunAsync(hosts, hosts.B));
            podman.Add(await FromInside.PodmanAsync(hosts.A, cancellation));
            migrations.Add(await Migration.RunAsync(hosts, hosts.A));
            runc.Add(await FromInside.RuncAsync(hosts.A, cancellation));
        }
        if (await hosts.A.Containers.DigestAsync(cancellation: cancellation) != before)
            throw new InvalidOperationException("The data that came back is not the data that went.");

        Report report = new(Name, setting with { Guest = await SettingAsync(hosts.A, cancellation) });
        AddInside(report, Podman, podman);
        AddInside(report, Runc, runc);
        AddMigrations(report, migrations);
        return report;
    }

    private static void AddMigrations(Report report, List<Migration> migrations)
    {
        var downtime = Spread.Of(migrations.Select(migration => migration.Downtime));
        report.Add(new Figure("migration, downtime", downtime.Median, "ms", Podman, Goal.ShareAtMost(0.5)));
        report.Add(new Figure("  least downtime", downtime.Min, "ms", Runc));
        report.Add(new Figure("  most downtime", downtime.Max, "ms"));
        foreach (string part in migrations[0].Parts.Keys)
            report.Add(new Figure($"  part {part}", Spread.Of(migrations.Select(migration => migration.Parts[part])).Median, "ms"));
        report.Add(new Figure("  memory", migrations[0].Bytes / 1e6, "MB"));
        report.Add(new Figure("  whole command", Spread.Of(migrations.Select(migration => migration.Command)).Median, "ms"));
    }

    private static void AddInside(Report report, string name, List<FromInside> rounds)
    {
        report.Add(new Figure(name, Spread.Of(rounds.Select(round => round.Checkpoint + round.Restore)).Median, "ms"));
        string who = name.Split(' ')[0];
        report.Add(new Figure($"  {who} checkpoint", Spread.Of(rounds.Select(round => round.Checkpoint)).Median, "ms"));
        report.Add(new Figure($"  {who} restore", Spread.Of(rounds.Select(round => round.Restore)).Median, "ms"));
    }

    private static async Task<GuestSetting> SettingAsync(TestHost host, CancellationToken cancellation)
    {
        await using var vm = await Hypervisor.VirtualMachine.AttachAsync(host.Guest.Directory.ControlSocket, cancellation: cancellation);
        return GuestSetting.Of(await vm.DescribeAsync(cancellation), await host.Guest.Console.CheckAsync("uname -r", cancellation: cancellation)) with
        {
            Criu = (await host.Guest.Console.CheckAsync("criu --version | sed -n 's/^Version: //p'", cancellation: cancellation)).Trim(),
        };
    }
}
