using System.Text.Json.Nodes;
using Watari.Benchmarks.Core;
using Watari.Guests;
using Watari.Hypervisor;
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

    /// <summary>By qemu_fw_cfg the kernel tells QEMU where its note is, without which nobody can read QEMU's core.</summary>
    private static readonly string s_setup = $"""
        modprobe qemu_fw_cfg && watari-run redis && watari-run counter && watari-run kinds &&
        (for i in $(seq {Sleepers}); do sleep 1000000 & done)
        """;

    public string Name => "second-opinion";

    public string Description => "tasks and areas of memory beside what drgn says of the same guest, and how long it takes to";

    public BenchmarkSize Usual => new(MiB: 0, Rounds: 5);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { MemoryMiB = 1024, Setup = s_setup }, cancellation);
        string core = Path.Combine(guest.Directory.DirectoryPath, "core");
        Setting setting = await StopAsync(guest, core, cancellation);
        (Times our, Account watari) = await ReadAsync(guest, size.Rounds, cancellation);
        Drgn.Answer drgn = await Drgn.For(setting.Guest!.Kernel).ReadAsync(core, size.Rounds, cancellation);
        Check(watari, drgn.Account);

        Report report = new(Name, setting);
        string tasks = $"{watari.Tasks.Count} tasks", areas = $"{watari.Areas.Count} areas";
        Add(report, drgn.Version, "attach", our.Open, drgn.Times.Open);
        Add(report, drgn.Version, tasks, our.Tasks, drgn.Times.Tasks);
        Add(report, drgn.Version, $"{tasks} again", our.TasksAgain, drgn.Times.TasksAgain);
        Add(report, drgn.Version, areas, our.Areas, drgn.Times.Areas);
        Add(report, drgn.Version, $"{areas} again", our.AreasAgain, drgn.Times.AreasAgain);
        return report;
    }

    /// <summary>Stops the guest for good, and has QEMU write a core of it.</summary>
    private static async Task<Setting> StopAsync(Guest guest, string core, CancellationToken cancellation)
    {
        string release = await guest.Console.CheckAsync("uname -r", cancellation: cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(cancellation);
        await vm.PauseAsync(cancellation);
        await vm.Qmp.ExecuteAsync("dump-guest-memory", new JsonObject { ["paging"] = false, ["protocol"] = $"file:{core}" }, s_dump, cancellation);
        return Setting.OfMachine() with { Guest = GuestSetting.Of(vm.Machine, release) };
    }

    /// <summary>As look.py does: each round attaches anew and reads all twice.</summary>
    private static async Task<(Times Times, Account Account)> ReadAsync(Guest guest, int rounds, CancellationToken cancellation)
    {
        Times times = new([], [], [], [], []);
        IReadOnlyList<TaskFacts> tasks = [];
        IReadOnlyList<AreaFacts> areas = [];
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
                GuestVm vm = lease.Vm;
                times.Open.Add(open.TotalMilliseconds);
                times.Tasks.Add(Rounds.Time(() => tasks = FromOutside.Tasks(vm.Kernel())).TotalMilliseconds);
                times.Areas.Add(Rounds.Time(() => areas = FromOutside.Areas(vm.Kernel())).TotalMilliseconds);
                times.TasksAgain.Add(Rounds.Time(() => tasks = FromOutside.Tasks(vm.Kernel())).TotalMilliseconds);
                times.AreasAgain.Add(Rounds.Time(() => areas = FromOutside.Areas(vm.Kernel())).TotalMilliseconds);
            }
        }
        return (times, new Account(tasks, areas));
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
        string beside = $"drgn {version}, {part}";
        Spread spread = Spread.Of(our);
        report.Add(new Figure(beside, Spread.Of(their).Median, "ms"));
        report.Add(new Figure(part, spread.Median, "ms", beside, Goal.ShareAtMost(1)));
        report.Add(new Figure($"  slowest {part}", spread.Max, "ms"));
    }
}
