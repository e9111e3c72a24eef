using System.Diagnostics;
using System.Globalization;
using System.Text;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Silo.Engine.Vms;

namespace Watari.SystemTests.Introspection;

/// <summary>A guest whose RAM is its QEMU's own, as it is of a VM that nobody started for Watari.</summary>
public sealed class PrivateRamTests(ITestOutputHelper output)
{
    private const int Rounds = 9;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_processes_are_those_of_its_own_proc_and_its_QEMU_does_not_grow_by_it()
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "private", PrivateRam = true }, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        using var ram = new RamSegments(vm.Ram);
        Assert.Equal(RamAccess.ProcessMemory, vm.Ram.Access);
        long before = ResidentOf(vm.Process.Id);

        var kernel = GuestKernel.Attach(new GuestPhysicalMemory(ram.Segments));
        Dictionary<int, string> ours = ProcessesOf(kernel);

        // The guest runs on meanwhile, and uses memory of its own.
        Assert.InRange(ResidentOf(vm.Process.Id) - before, long.MinValue, 16 << 20);
        string[] theirs = (await In(guest, "for p in /proc/[0-9]*; do { read -r line <$p/stat; } 2>/dev/null && echo \"$line\"; done")).Split('\n');
        int compared = 0;
        foreach (string line in theirs)
        {
            int close = line.LastIndexOf(')');
            string[] rest = line[(close + 2)..].Split(' ');
            int pid = int.Parse(line[..line.IndexOf(' ', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
            if (line.Contains("(kworker", StringComparison.Ordinal) || !ours.TryGetValue(pid, out string? mine)) continue;
            string name = line[(line.IndexOf('(', StringComparison.Ordinal) + 1)..close];
            Assert.Equal($"{name[..Math.Min(name.Length, 15)]} {rest[1]}", mine);
            compared++;
        }
        Assert.InRange(compared, 20, ours.Count);

        // What begins after the first look is found by the next, and what was written from outside is what the guest has.
        int pidOfSleep = int.Parse(await In(guest, "sleep 1000 >/dev/null 2>&1 & echo $!"), CultureInfo.InvariantCulture);
        Assert.DoesNotContain(pidOfSleep, ours.Keys);
        await In(guest, $"until [ \"$(cat /proc/{pidOfSleep}/comm)\" = sleep ]; do :; done");
        kernel.Refresh();
        Assert.Equal("sleep", ProcessesOf(kernel)[pidOfSleep].Split(' ')[0]);
        Assert.True(kernel.TryFindProcess(pidOfSleep, out TaskStruct sleep));
        GuestVirtualAddress comm = sleep.Address + (ulong)kernel.Types.Member("task_struct", "comm").ByteOffset;
        new GuestMemoryWriter(ram.Segments).Write(kernel.AddressSpace.Translate(comm), Encoding.ASCII.GetBytes("renamed\0"));
        Assert.Equal("renamed", await In(guest, $"cat /proc/{pidOfSleep}/comm"));
    }

    [Fact]
    public async Task To_attach_and_to_list_takes_no_more_than_a_few_times_as_long_as_where_RAM_is_shared()
    {
        (double attach, double list, double again) mapped = await MeasureAsync(privateRam: false);
        (double attach, double list, double again) copied = await MeasureAsync(privateRam: true);

        output.WriteLine($"shared:  attach {mapped.attach:0.0} ms, first list {mapped.list:0.00} ms, list {mapped.again:0.00} ms");
        output.WriteLine($"private: attach {copied.attach:0.0} ms, first list {copied.list:0.00} ms, list {copied.again:0.00} ms");
        Assert.True(copied.attach < 20 * mapped.attach + 200, "attaching to private RAM is out of all proportion");
        Assert.True(copied.again < 100 * mapped.again + 50, "listing by private RAM is out of all proportion");
    }

    /// <summary>Milliseconds, the median of some rounds.</summary>
    private async Task<(double Attach, double First, double List)> MeasureAsync(bool privateRam)
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "measured", PrivateRam = privateRam }, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        var attach = new List<double>();
        var first = new List<double>();
        var list = new List<double>();
        for (int round = 0; round < Rounds; round++)
        {
            using var ram = new RamSegments(vm.Ram);
            var memory = new GuestPhysicalMemory(ram.Segments);
            GuestKernel kernel = null!;
            attach.Add(Time(() => kernel = GuestKernel.Attach(memory)));
            first.Add(Time(() => Look(kernel)));
            for (int i = 0; i < 5; i++) list.Add(Time(() => Look(kernel)));
            output.WriteLine($"held after it: {ram.Segments.Sum(segment => segment.Shadow?.Held ?? 0) >> 10} KiB");
        }

        return (Median(attach), Median(first), Median(list));

        static void Look(GuestKernel kernel)
        {
            kernel.Refresh();
            ProcessesOf(kernel);
            _ = kernel.FindContainers();
        }
    }

    /// <summary>Name and parent of each process, by its id.</summary>
    private static Dictionary<int, string> ProcessesOf(GuestKernel kernel)
    {
        var processes = new Dictionary<int, string>();
        foreach (TaskStruct process in kernel.Processes)
            processes[process.Tgid] = string.Create(CultureInfo.InvariantCulture, $"{process.Comm} {process.RealParent.Value.Tgid}");
        return processes;
    }

    private static double Time(Action action)
    {
        long began = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static long ResidentOf(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
    }

    private static Task<string> In(Guest guest, string command) => guest.Console.CheckAsync(command, TimeSpan.FromMinutes(2), Cancellation);
}
