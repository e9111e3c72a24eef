using System.Globalization;
using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>What <c>watari top</c> and <c>watari stats</c> say of a guest's containers, against ps(1) and the files of their cgroups in it.</summary>
[Collection(Migrations.Name)]
public sealed class UsageTests(SharedHosts shared) : MigrationTest(shared.Hosts)
{
    private readonly TwoHosts _hosts = shared.Hosts;

    [Fact]
    public async Task Top_lists_the_processes_that_ps_lists()
    {
        Run top = await _hosts.WatariAsync("top", "redis", "-o", "json");
        string[] pids = (await In("cat /sys/fs/cgroup/redis/cgroup.procs")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal((0, ""), (top.Code, top.Error));
        JsonElement[] processes = [.. JsonDocument.Parse(top.Out).RootElement.EnumerateArray()];
        Assert.Equal(pids.Select(int.Parse).Order(), processes.Select(p => p.GetProperty("pid").GetInt32()).Order());
        foreach (JsonElement process in processes)
        {
            int pid = process.GetProperty("pid").GetInt32();
            string[] theirs = (await In($"ps -o ppid=,euid=,nlwp=,rss=,stat=,cputimes= -p {pid}")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(theirs[0], $"{process.GetProperty("parentPid").GetInt32()}");
            Assert.Equal(theirs[1], $"{process.GetProperty("userId").GetInt32()}");
            Assert.Equal(theirs[2], $"{process.GetProperty("threads").GetInt32()}");
            // ps leaves out what each processor holds back.
            Assert.InRange(process.GetProperty("residentBytes").GetInt64(), long.Parse(theirs[3], CultureInfo.InvariantCulture) * 1024 - (1 << 20), long.Parse(theirs[3], CultureInfo.InvariantCulture) * 1024 + (1 << 20));
            Assert.Equal(theirs[4][0], process.GetProperty("state").GetString()![0]);
            Assert.InRange(process.GetProperty("cpuMilliseconds").GetDouble(), 0, (double.Parse(theirs[5], CultureInfo.InvariantCulture) + 1) * 1000);
            Assert.Equal(await In($"awk '/^NSpid/ {{ print $NF }}' /proc/{pid}/status"), $"{process.GetProperty("containerPid").GetInt32()}");
            double started = double.Parse(await In($"echo $(date +%s) $(cut -d' ' -f22 /proc/{pid}/stat) $(cut -d' ' -f1 /proc/uptime) | awk '{{ printf \"%.2f\", $1 - $3 + $2 / 100 }}'"), CultureInfo.InvariantCulture);
            Assert.InRange((process.GetProperty("started").GetDateTimeOffset() - DateTimeOffset.UnixEpoch).TotalSeconds, started - 3, started + 3);
            Assert.Equal((await In($"tr '\\0' ' ' </proc/{pid}/cmdline")).Trim(), process.GetProperty("command").GetString());
        }
    }

    [Fact]
    public async Task Stats_are_those_of_the_containers_cgroup()
    {
        string[] before = await CgroupAsync("counter");
        Run stats = await _hosts.WatariAsync("stats", "--no-stream", "-i", "2", "counter", "-o", "json");
        string[] after = await CgroupAsync("counter");

        Assert.Equal((0, ""), (stats.Code, stats.Error));
        JsonElement usage = Assert.Single(JsonDocument.Parse(stats.Out).RootElement.EnumerateArray());
        // Its threads compute without end on the only processor: what it used, within what was used around it.
        double used = double.Parse(after[0], CultureInfo.InvariantCulture) - double.Parse(before[0], CultureInfo.InvariantCulture);
        Assert.InRange(usage.GetProperty("cpuPercent").GetDouble(), 1, Math.Min(105, used / 1e6 / 2 * 100));
        long[] memory = [.. new[] { before[1], after[1] }.Select(text => long.Parse(text, CultureInfo.InvariantCulture)).Order()];
        Assert.InRange(usage.GetProperty("memoryBytes").GetInt64(), memory[0] - (1 << 20), memory[1] + (1 << 20));
        Assert.Equal(after[2], $"{usage.GetProperty("tasks").GetInt64()}");
        long total = long.Parse(await In("awk '/^MemTotal/ { print $2 }' /proc/meminfo"), CultureInfo.InvariantCulture) * 1024;
        Assert.Equal(Math.Min(total, long.Parse(after[3], CultureInfo.InvariantCulture)), usage.GetProperty("memoryLimitBytes").GetInt64());
    }

    [Fact]
    public async Task Both_answer_for_a_guest_that_stands_still()
    {
        await using var vm = await Hypervisor.VirtualMachine.AttachAsync(_hosts.A.Guest.Directory.ControlSocket, cancellation: Cancellation);
        await vm.PauseAsync(Cancellation);
        try
        {
            Run top = await _hosts.WatariAsync("top", "redis");
            Run stats = await _hosts.WatariAsync("stats", "--no-stream", "redis", "-o", "json");

            Assert.Contains("redis-server", top.Out, StringComparison.Ordinal);
            Assert.Equal(0, Assert.Single(JsonDocument.Parse(stats.Out).RootElement.EnumerateArray()).GetProperty("cpuPercent").GetDouble());
        }
        finally
        {
            await vm.ResumeAsync(Cancellation);
        }
    }

    /// <summary>Microseconds of CPU, bytes, threads and the limit.</summary>
    private async Task<string[]> CgroupAsync(string name) =>
        (await In($"cd /sys/fs/cgroup/{name} && awk '/^usage_usec/ {{ print $2 }}' cpu.stat && cat memory.current pids.current memory.max")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private Task<string> In(string command) => _hosts.A.Guest.Console.CheckAsync(command, cancellation: Cancellation);
}
