using System.Globalization;
using System.Text.Json.Nodes;
using Watari.Benchmarks.Core;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Types;
using Watari.Silo.Engine.Vms;

namespace Watari.Benchmarks.SecondOpinion;

/// <summary>
/// The tasks and areas of a guest full of processes, read by Watari from the VM's RAM, and by drgn from a core that QEMU wrote of it
/// while it stood still. Both must say the same, field by field.
/// </summary>
internal sealed class SecondOpinionBenchmark : IBenchmark
{
    private const int Sleepers = 400;
    private const int MostLines = 20;
    private static readonly TimeSpan s_dump = TimeSpan.FromMinutes(1);

    private static readonly string s_setup = $"""
        watari-run redis && watari-run counter && watari-run kinds &&
        (for i in $(seq {Sleepers}); do sleep 1000000 & done)
        """;

    public string Name => "second-opinion";

    public string Description => "tasks and areas of memory beside what drgn says of the same guest, and how long it takes to";

    public BenchmarkSize Usual => new(MiB: 0, Rounds: 10);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        GuestOptions options = new() { Suite = Environment.GetEnvironmentVariable("WATARI_GUEST") ?? "trixie", MemoryMiB = 1024, Setup = s_setup };
        await using Guest guest = await Guest.StartAsync(options, cancellation);
        string core = Path.Combine(guest.Directory.DirectoryPath, "core"), note = Path.Combine(guest.Directory.DirectoryPath, "vmcoreinfo");
        Setting setting = await StopAsync(guest, core, note, cancellation);
        (Times our, Account watari) = await ReadAsync(guest, size.Rounds, cancellation);
        Drgn.Answer drgn = await Drgn.For(setting.Guest!.Kernel).ReadAsync(core, note, size.Rounds, cancellation);
        Check(watari, drgn.Account);

        Report report = new(Name, setting);
        Add(report, drgn.Version, "attach", our.Open, drgn.Times.Open);
        Add(report, drgn.Version, $"{watari.Tasks.Count} tasks", our.Tasks, drgn.Times.Tasks);
        Add(report, drgn.Version, $"{watari.Areas.Count} areas", our.Areas, drgn.Times.Areas);
        Add(report, drgn.Version, "paths of their files", our.Paths, drgn.Times.Paths);
        return report;
    }

    /// <summary>Stops the guest for good, and has QEMU write a core of it, and its kernel's note, whose place the guest tells.</summary>
    private static async Task<Setting> StopAsync(Guest guest, string core, string note, CancellationToken cancellation)
    {
        string[] said = (await guest.Console.CheckAsync("echo $(uname -r) $(cat /sys/kernel/vmcoreinfo)", cancellation: cancellation)).Split(' ');
        (ulong place, int length) = (ulong.Parse(said[1].AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture), int.Parse(said[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        await using VirtualMachine vm = await guest.AttachAsync(cancellation);
        await vm.PauseAsync(cancellation);
        await vm.Qmp.ExecuteAsync("dump-guest-memory", new JsonObject { ["paging"] = false, ["protocol"] = $"file:{core}" }, s_dump, cancellation);
        await vm.Qmp.ExecuteAsync("pmemsave", new JsonObject { ["val"] = place, ["size"] = length, ["filename"] = note }, cancellation: cancellation);
        return Setting.OfMachine() with { Guest = GuestSetting.Of(await vm.DescribeAsync(cancellation), said[0]) };
    }

    /// <summary>As look.py does: each round attaches anew.</summary>
    private static async Task<(Times Times, Account Account)> ReadAsync(Guest guest, int rounds, CancellationToken cancellation)
    {
        Times times = new([], [], [], []);
        Account account = new([], []);
        for (int round = 0; round < rounds; round++)
        {
            VmLease lease = null!;
            TimeSpan open = await Rounds.TimeAsync(async () =>
            {
                lease = await GuestVm.AttachAsync(guest.Name, guest.Directory.DirectoryPath, cancellation);
                lease.Vm.Kernel();
            });
            await using (lease)
            {
                GuestKernel kernel = lease.Vm.Kernel();
                times.Open.Add(open.TotalMilliseconds);
                List<TaskFacts> tasks = Timed(times.Tasks, () => FromOutside.Tasks(kernel));
                (List<AreaFacts> areas, List<Ptr<FileStruct>> files) = Timed(times.Areas, () => FromOutside.Areas(kernel));
                List<string> paths = Timed(times.Paths, () => FromOutside.Paths(files));
                account = new Account(tasks, [.. areas.Zip(paths, (area, path) => area with { Path = path })]);
            }
        }
        return (times, account);
    }

    private static T Timed<T>(List<double> times, Func<T> read)
    {
        T result = default!;
        times.Add(Rounds.Time(() => result = read()).TotalMilliseconds);
        return result;
    }

    /// <exception cref="InvalidOperationException">They differ, or there was next to nothing to compare.</exception>
    private static void Check(Account watari, Account drgn)
    {
        string[] lines = [.. Disagreement.Between(watari, drgn)];
        if (lines.Length > 0)
            throw new InvalidOperationException($"Watari and drgn disagree in {lines.Length} points:\n{string.Join('\n', lines.Take(MostLines))}{(lines.Length > MostLines ? "\n…" : "")}");
        if (watari.Tasks.Count < Sleepers || watari.Areas.Count < Sleepers)
            throw new InvalidOperationException($"{watari.Tasks.Count} tasks and {watari.Areas.Count} areas are less than were made.");
    }

    private static void Add(Report report, string version, string part, List<double> our, List<double> their)
    {
        string drgn = $"drgn {version}, {part}";
        (Spread ours, Spread theirs) = (Spread.Of(our), Spread.Of(their));
        report.Add(new Figure(drgn, theirs.Min, "ms"));
        report.Add(new Figure(part, ours.Min, "ms", drgn, Goal.ShareAtMost(1)));
        report.Add(new Figure($"{drgn}, median", theirs.Median, "ms"));
        report.Add(new Figure($"{part}, median", ours.Median, "ms", $"{drgn}, median"));
    }
}
