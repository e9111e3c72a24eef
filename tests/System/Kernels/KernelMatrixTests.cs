using System.Globalization;
using System.Text;
using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Accounting;
using Watari.Introspection.Kernel;
using Watari.Introspection.Log;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;
using Watari.Silo.Engine.Doctor;
using Watari.SystemTests.Checkpoint;
using Watari.SystemTests.Introspection;

namespace Watari.SystemTests.Kernels;

/// <summary>
/// Every fact that a guest's own /proc gives of its processes, at a moment at which they stand still, beside what is read out of its
/// memory: on each kernel, on machines of each kind. WATARI_MATRIX=all takes the whole matrix (make matrix).
/// </summary>
public sealed class KernelMatrixTests
{
    /// <summary>Redis, threads that compute, one of each kind of kernel object; the agent stands still, for it may drop idle threads.</summary>
    private const string Setup = """
        watari-run redis && watari-run counter && watari-run kinds
        kill -STOP $(pidof watari-agent)
        """;

    private static readonly TimeSpan s_freeze = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<GuestShape> Shapes => new(Environment.GetEnvironmentVariable("WATARI_MATRIX") == "all" ? GuestShape.All : GuestShape.Few);

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public async Task All_that_proc_tells_of_processes_is_read_from_outside(GuestShape shape)
    {
        await using Guest guest = await Guest.StartAsync(shape.Options with { Setup = Setup }, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        GuestKernel kernel = GuestKernel.Attach(GuestMemoryOf.Vm(vm));
        Assert.Equal(await guest.Console.CheckAsync("uname -r", cancellation: Cancellation), kernel.Release);

        (Dictionary<int, List<string>> Inside, Dictionary<int, List<string>> Outside) accounts = await AccountsAsync();
        Assert.True(accounts.Inside.Count > 20, $"{accounts.Inside.Count} processes");
        // A process that was at work between the two looks is the same at one of the next; one that is misread never is.
        List<int> differing = Differing(accounts);
        for (int looks = 1; looks < 5 && differing.Count > 0; looks++)
        {
            accounts = await AccountsAsync();
            differing = [.. differing.Intersect(Differing(accounts))];
        }

        foreach (int pid in differing)
        {
            Assert.True(accounts.Inside.ContainsKey(pid), $"{pid} is not in /proc: {accounts.Outside.GetValueOrDefault(pid)?[0]}");
            Assert.True(accounts.Outside.ContainsKey(pid), $"{pid} is only in /proc: {accounts.Inside[pid][0]}");
            Assert.Equal(accounts.Inside[pid], accounts.Outside[pid]);
        }

        async Task<(Dictionary<int, List<string>>, Dictionary<int, List<string>>)> AccountsAsync()
        {
            var inside = ByProcess(Lines(await guest.Console.CheckAsync("account", TimeSpan.FromMinutes(2), Cancellation)).Select(Comparable));
            using (vm.Hold()) return (inside, ByProcess(OutsideAccount.Of(kernel)));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public async Task Its_log_clocks_processors_and_memory_are_read_from_outside(GuestShape shape)
    {
        await using Guest guest = await Guest.StartAsync(shape.Options, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        GuestKernel kernel = GuestKernel.Attach(GuestMemoryOf.Vm(vm));
        var cpus = new CpuAccounting(kernel);

        string[] log = Lines(await guest.Console.CheckAsync("dmesg -r | sed 's/^<[0-9]*>//'", cancellation: Cancellation)).ToArray();
        (GuestClocks Clocks, ulong Busy) before = Now(), after;
        string[] inside = Lines(await guest.Console.CheckAsync("cat /proc/uptime; grep -m1 '^cpu ' /proc/stat; grep MemTotal /proc/meminfo", cancellation: Cancellation)).ToArray();
        using (vm.Hold())
        {
            after = Now();
            List<string> ours = [];
            foreach (KernelLogRecord record in kernel.Log)
            {
                string time = string.Create(CultureInfo.InvariantCulture, $"[{record.Nanoseconds / 1_000_000_000,5}.{record.Nanoseconds / 1000 % 1_000_000:d6}] ");
                ours.AddRange((time + Encoding.UTF8.GetString(record.Text.Span)).Split('\n'));
            }

            Assert.True(log.Length > 100, $"{log.Length} lines");
            Assert.Equal(log.Select(line => line.TrimStart()), ours.Take(log.Length).Select(line => line.TrimStart())); // dmesg sets further lines of a record in
        }

        const double tick = 0.02; // clocks are right to the last tick, of 4 ms
        Assert.InRange(double.Parse(inside[0].Split(' ')[0], CultureInfo.InvariantCulture), before.Clocks.Boottime / 1e9 - tick, after.Clocks.Boottime / 1e9 + tick);
        ulong[] times = [.. inside[1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(ulong.Parse)];
        Assert.InRange(times[0] + times[1] + times[2] + times[5] + times[6], before.Busy / 10_000_000 - 5 * (ulong)shape.Vcpus, after.Busy / 10_000_000 + 1);
        Assert.Equal(long.Parse(inside[2].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024, kernel.MemoryInfo.Total);

        (GuestClocks, ulong) Now()
        {
            GuestClocks clocks = GuestClocks.Read(kernel);
            ulong busy = 0;
            for (int cpu = 0; cpu < shape.Vcpus; cpu++) busy += cpus.Times(cpu, clocks).Busy;
            return (clocks, busy);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public async Task Containers_are_frozen_from_outside_with_all_that_a_thread_has_in_registers_and_run_on(GuestShape shape)
    {
        // Not in what is saved: the guest's clock is set when it goes on, and its timers would be found late.
        await using Guest guest = await Guest.StartAsync(shape.Options with { Begin = "watari-run counter && watari-run kinds" }, Cancellation);
        await using VirtualMachine machine = await guest.AttachAsync(Cancellation);
        var inspection = new GuestInspection(guest);
        IReadOnlyList<string> complaints = await inspection.ComplaintsAsync(Cancellation); // of the boot
        var vm = new TestVm(machine);
        var freezer = new OutsideFreezer(vm.Kernel, vm.Writer, vm);

        foreach (string container in (string[])["counter", "kinds"])
        {
            FrozenTasks frozen = freezer.FreezeAndHold(new TaskSelection.OfCgroup("/" + container), s_freeze, out StillGuest still);
            using (still)
            {
                foreach (FrozenTask task in frozen.Tasks)
                {
                    TaskStruct thread = vm.Kernel.At<TaskStruct>(task.Address);
                    PtRegs registers = thread.Registers;
                    Assert.True(registers.Ip < vm.Kernel.Paging.UserEnd.Value && registers.Sp < vm.Kernel.Paging.UserEnd.Value, $"{registers}");
                    Assert.Equal(512, XState.Read(thread).Legacy.Length);
                }
            }

            freezer.Thaw(frozen, s_freeze);
        }

        // They judge themselves: registers, clocks, every kind of object.
        await guest.Console.CheckAsync("runc exec counter /bin/counter --report && runc exec kinds /bin/kinds --check", TimeSpan.FromMinutes(1), Cancellation);
        Assert.Equal(complaints, await inspection.ComplaintsAsync(Cancellation));
    }

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public async Task Every_structure_that_Watari_reads_is_as_it_must_be(GuestShape shape)
    {
        await using Guest guest = await Guest.StartAsync(shape.Options, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);

        Assert.All(KernelCapability.Check(GuestKernel.Attach(GuestMemoryOf.Vm(vm))), check => Assert.True(check.Level == CheckLevel.Ok, check.ToString()));
    }

    private static List<int> Differing((Dictionary<int, List<string>> Inside, Dictionary<int, List<string>> Outside) accounts) =>
    [
        .. accounts.Inside.Keys.Union(accounts.Outside.Keys).Order().Where(pid =>
        {
            List<string>? inside = accounts.Inside.GetValueOrDefault(pid), outside = accounts.Outside.GetValueOrDefault(pid);
            return !IsCaller(inside) && !ComesAndGoes(inside, outside) && !(inside ?? []).SequenceEqual(outside ?? []);
        }),
    ];

    private static bool IsCaller(List<string>? lines) => lines?[0].StartsWith("caller ", StringComparison.Ordinal) == true;

    /// <summary>The kernel's workers are made and ended at any time, and change their names with their work.</summary>
    private static bool ComesAndGoes(params IEnumerable<List<string>?> accounts) =>
        accounts.Any(lines => lines?.Any(line => line.StartsWith("process ", StringComparison.Ordinal) && line.Contains(" 1 kworker", StringComparison.Ordinal)) == true);

    /// <summary>The lines of each process in one order; those of mounts and cgroups, which belong to none, under 0.</summary>
    private static Dictionary<int, List<string>> ByProcess(IEnumerable<string> lines) => lines
        .GroupBy(line => int.TryParse(line.Split(' ')[1], CultureInfo.InvariantCulture, out int pid) ? pid : 0)
        .ToDictionary(group => group.Key, group => group.Order(StringComparer.Ordinal).ToList());

    private static string Comparable(string line)
    {
        if (!line.StartsWith("area ", StringComparison.Ordinal)) return line;
        return ProcText.WithoutBracketNames(line);
    }

    private static IEnumerable<string> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.EndsWith("[vsyscall]", StringComparison.Ordinal));
}
