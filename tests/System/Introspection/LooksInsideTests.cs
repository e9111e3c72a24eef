using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Watari.Introspection.Accounting;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Log;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.SystemTests.Introspection;

/// <summary>The log, the accounting, the cgroups and the files of a guest, beside what the guest itself says of them.</summary>
public sealed partial class LooksInsideTests(GuestWithRedis guest) : IClassFixture<GuestWithRedis>
{
    private const ulong NanosecondsPerTick = 10_000_000; // USER_HZ is 100
    private const string Cgroup = "/sys/fs/cgroup/looks";

    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    private readonly GuestKernel _kernel = guest.Kernel;

    [Fact]
    public async Task The_log_line_by_line_after_it_has_gone_round_its_ring()
    {
        await In("sysctl -q kernel.printk_devkmsg=on");
        // Of several lengths, so that a text falls on each end of the ring; some with what dmesg must escape.
        await In("i=0; while [ $i -lt 2500 ]; do i=$((i+1)); printf '<6>looks %d %.*s' $i $((i % 97)) \"$(printf '%0100d' 0)\" >/dev/kmsg; done");
        await In(@"printf '<3>two\nlines \033[31m \303\251 \\ end\n' >/dev/kmsg");

        string[] theirs = Lines(await In("dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null | grep -v '^ '"));
        List<string> ours = [];
        using (guest.Vm.Hold())
        {
            foreach (KernelLogRecord record in _kernel.Log)
                ours.Add(string.Create(s_culture, $"{record.Facility << 3 | record.Level},{record.Sequence},{record.Nanoseconds / 1000};{Escaped(record.Text.Span)}"));
        }

        // "6,1234,5678901,-,caller=T1;text": flags and caller are left out.
        string[] expected = [.. theirs.Select(line => KmsgHead().Replace(line, "$1;", 1))];
        Assert.True(expected.Length > 500, $"{expected.Length} lines");
        Assert.False(expected[0].Contains(",0,0;", StringComparison.Ordinal), "the ring has not gone round");
        // What came after their last line, if anything did, is not theirs.
        Assert.Equal(expected, ours.Take(expected.Length));
        Assert.Contains(ours, line => line.StartsWith("11,", StringComparison.Ordinal) && line.EndsWith(@"two\x0alines \x1b[31m \xc3\xa9 \x5c end", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_times_of_the_processors()
    {
        var cpus = new CpuAccounting(_kernel);
        await In("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");

        CpuTimes[] before = Times(cpus);
        string[] theirs = Lines(await In("grep '^cpu[0-9]' /proc/stat"));
        CpuTimes[] after = Times(cpus);

        Assert.Equal(2, theirs.Length);
        Assert.True(before[0].Busy > 0 && before[0].Idle > 0);
        for (int cpu = 0; cpu < theirs.Length; cpu++)
        {
            ulong[] inside = [.. theirs[cpu].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(text => ulong.Parse(text, s_culture))];
            (ulong[] low, ulong[] high) = (Fields(before[cpu]), Fields(after[cpu]));
            for (int i = 0; i < inside.Length; i++)
            {
                // What is reckoned with the clock (idle, iowait) is behind by what has passed since the last tick.
                ulong slack = i is 3 or 4 ? 2UL : 0;
                Assert.InRange(inside[i], low[i], high[i] + slack);
            }
        }
    }

    [Fact]
    public async Task The_load_and_the_tasks_that_run()
    {
        var cpus = new CpuAccounting(_kernel);
        (double, double, double) before, after;
        string theirs;
        do
        {
            before = cpus.LoadAverages;
            theirs = await In("cat /proc/loadavg");
            after = cpus.LoadAverages;
        }
        while (before != after); // they change every five seconds

        string[] words = theirs.Split(' ');
        Assert.Equal(double.Parse(words[0], s_culture), after.Item1, 0.006); // printed with two digits, rounded
        Assert.Equal(double.Parse(words[1], s_culture), after.Item2, 0.006);
        Assert.Equal(double.Parse(words[2], s_culture), after.Item3, 0.006);
        await In("setsid sh -c 'exec -a looksbusy sh -c \"while :; do :; done\"' >/dev/null 2>&1 </dev/null & echo $! >/tmp/busy");
        try
        {
            Assert.True(SpinWait.SpinUntil(() => Enumerable.Range(0, 2).Sum(cpu => cpus.RunningTasks(cpu)) >= 1, TimeSpan.FromSeconds(30)));
        }
        finally
        {
            await In("pkill -f looksbusy; true");
        }
    }

    [Fact]
    public async Task The_memory()
    {
        const long slack = 8L << 20; // what comes and goes beside
        MemoryInfo before = _kernel.MemoryInfo;
        Dictionary<string, long> theirs = Lines(await In("head -3 /proc/meminfo")).ToDictionary(
            line => line.Split(':')[0], line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], s_culture) * 1024);
        MemoryInfo after = _kernel.MemoryInfo;

        Assert.Equal(theirs["MemTotal"], before.Total);
        Assert.InRange(theirs["MemFree"], Math.Min(before.Free, after.Free) - slack, Math.Max(before.Free, after.Free) + slack);
        Assert.InRange(theirs["MemAvailable"], Math.Min(before.Available, after.Available) - slack, Math.Max(before.Available, after.Available) + slack);
        Assert.NotEqual(before.Free, before.Available);
    }

    [Fact]
    public async Task What_a_cgroup_uses_exactly_though_the_kernel_has_not_summed_it_up()
    {
        await In($"mkdir -p {Cgroup}/inner/leaf && echo '+cpu +memory +pids' >{Cgroup}/../cgroup.subtree_control && echo '+cpu +memory +pids' >{Cgroup}/cgroup.subtree_control");
        // Three for two processors, so that they wait for each other; one has a child of its cgroup.
        await In($"for g in inner inner/leaf inner/leaf; do setsid sh -c \"echo \\$\\$ >{Cgroup}/$g/cgroup.procs; while :; do dd if=/dev/zero of=/dev/null bs=64k count=50 2>/dev/null; done\" >/dev/null 2>&1 </dev/null & done; true");
        try
        {
            // A sum in between, so that some is carried up already; then a while of which nothing is.
            await In($"sleep 1; cat {Cgroup}/inner/leaf/cpu.stat >/dev/null; sleep 1; echo 1 >{Cgroup}/cgroup.freeze; until grep -q 'frozen 1' {Cgroup}/cgroup.events; do sleep 0.05; done");
            Dictionary<string, CgroupNode> cgroups = Cgroups();
            var pressure = new PressureAccounting(_kernel);
            foreach (string name in (string[])["looks/inner/leaf", "looks/inner", "looks"])
            {
                CgroupNode cgroup = cgroups["/" + name];
                CpuUsage ours = cgroup.CpuUsage!.Value;
                CpuUsage carried = CgroupStat.At(_kernel, cgroup.Address).Bstat.Usage;
                string theirs = await In($"head -3 /sys/fs/cgroup/{name}/cpu.stat");

                Assert.Equal(string.Create(s_culture, $"usage_usec {ours.Total / 1000}\nuser_usec {ours.User / 1000}\nsystem_usec {ours.System / 1000}"), theirs);
                if (name.EndsWith("leaf", StringComparison.Ordinal)) Assert.True(carried.Total < ours.Total, "all was carried up already: the test says nothing");
                Assert.True(cgroup.IsFrozen && cgroup.IsPopulated);
                Assert.Equal(ours, cgroup.CpuUsage); // summed up by now: the same
            }

            Cgroup inner = cgroups["/looks/inner"].Cgroup;
            string[] held = Lines(await In($"cat {Cgroup}/inner/memory.current {Cgroup}/inner/memory.peak {Cgroup}/inner/pids.current"));
            Assert.Equal(string.Join(' ', held), string.Create(s_culture, $"{inner.Memory!.Value.Usage * 4096} {inner.Memory!.Value.Watermark * 4096} {inner.Pids!.Value.Counter}"));

            Assert.Equal("1", await In("test -e /proc/pressure/cpu && echo 1 || echo 0"));
            Assert.True(pressure.IsEnabled);
            foreach ((string file, PressureResource resource) in ((string, PressureResource)[])[("cpu", PressureResource.Cpu), ("memory", PressureResource.Memory), ("io", PressureResource.Io)])
            {
                string[] lines = Lines(await In($"cat {Cgroup}/{file}.pressure"));
                Pressure ours = pressure.Of(cgroups["/looks"], resource)!.Value;
                AssertStall(lines[0], "some", ours.Some);
                AssertStall(lines[1], "full", ours.Full);
                if (resource == PressureResource.Cpu) Assert.True(ours.Some.Total > 0);
            }

            // Of the guest, which does not stand still.
            ulong low = pressure.OfSystem(PressureResource.Cpu)!.Value.Some.Total / 1000;
            ulong theirTotal = TotalOf(Lines(await In("cat /proc/pressure/cpu"))[0]);
            Assert.InRange(theirTotal, low, pressure.OfSystem(PressureResource.Cpu)!.Value.Some.Total / 1000);
        }
        finally
        {
            await In($"for p in $(cat {Cgroup}/cgroup.procs {Cgroup}/inner/cgroup.procs {Cgroup}/inner/leaf/cgroup.procs); do kill -9 $p; done; echo 0 >{Cgroup}/cgroup.freeze; until grep -q 'populated 0' {Cgroup}/cgroup.events; do sleep 0.05; done; rmdir {Cgroup}/inner/leaf {Cgroup}/inner {Cgroup}");
        }
    }

    [Fact]
    public async Task The_hierarchy_of_cgroups()
    {
        await In("mkdir -p /sys/fs/cgroup/walk/a/b /sys/fs/cgroup/walk/c && echo 1 >/sys/fs/cgroup/walk/c/cgroup.freeze");
        try
        {
            string[] theirs = Lines(await In("cd /sys/fs/cgroup && find . -type d | while read -r d; do p=${d#.}; echo \"${p:-/} $(sed -n 's/^populated //p' $d/cgroup.events 2>/dev/null) $(sed -n 's/^frozen //p' $d/cgroup.events 2>/dev/null)\"; done"));
            IEnumerable<string> ours = Cgroups().Select(c => c.Key == "/" ? "/  " : $"{c.Key} {(c.Value.IsPopulated ? 1 : 0)} {(c.Value.IsFrozen ? 1 : 0)}");

            Assert.Equal(theirs.Order(StringComparer.Ordinal), ours.Order(StringComparer.Ordinal));
            Assert.Contains("/walk/c 0 1", ours);
            Assert.Equal(CgroupVersion.V2, _kernel.CgroupVersion);
        }
        finally
        {
            await In("rmdir /sys/fs/cgroup/walk/a/b /sys/fs/cgroup/walk/a /sys/fs/cgroup/walk/c /sys/fs/cgroup/walk");
        }

        Assert.DoesNotContain("/walk", Cgroups().Keys);
    }

    [Fact]
    public async Task A_hierarchy_of_version_1_and_who_is_in_it()
    {
        await In("mkdir -p /tmp/v1 && mount -t cgroup -o none,name=looks none /tmp/v1 && mkdir -p /tmp/v1/docker/abc && (setsid sleep 1000 >/dev/null 2>&1 & echo $! >/tmp/v1/docker/abc/cgroup.procs)");
        try
        {
            int pid = int.Parse(await In("cat /tmp/v1/docker/abc/cgroup.procs"), s_culture);
            Assert.Equal(CgroupVersion.Hybrid, _kernel.CgroupVersion);
            Assert.True(_kernel.TryFindProcess(pid, out TaskStruct inside));
            (CgroupRoot hierarchy, string path) = Assert.Single(inside.LegacyCgroups());
            Assert.Equal(("looks", "/docker/abc", 0u), (hierarchy.Name.ToString(), path, hierarchy.SubsysMask));
            Assert.Empty(_kernel.TryFindProcess(guest.Redis, out TaskStruct redis) ? redis.LegacyCgroups() : throw new InvalidOperationException("redis is gone"));
        }
        finally
        {
            await In("kill $(cat /tmp/v1/docker/abc/cgroup.procs); until rmdir /tmp/v1/docker/abc 2>/dev/null; do sleep 0.05; done; rmdir /tmp/v1/docker; umount /tmp/v1");
            // An unmount ends a hierarchy only if the kernel has let go of all that was in it by then (cgroup_kill_sb, kernel/cgroup/cgroup.c).
            await In("while grep -q name=looks /proc/self/cgroup; do mount -t cgroup -o none,name=looks none /tmp/v1 && umount /tmp/v1; sleep 0.05; done");
        }

        Assert.True(SpinWait.SpinUntil(() => _kernel.CgroupVersion == CgroupVersion.V2, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task What_a_process_has_used_and_has_in_memory()
    {
        Assert.True(_kernel.TryFindProcess(guest.Redis, out TaskStruct redis));
        (ulong Run, ulong Start) before = Usage(redis);
        string[] theirs = (await In($"cut -d')' -f2 /proc/{guest.Redis}/stat")).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        (ulong Run, ulong Start) after = Usage(redis);

        // Fields 14, 15 and 22, counted from the one after the name, which is 3. Each is cut to whole ticks.
        Assert.InRange(ulong.Parse(theirs[11], s_culture) + ulong.Parse(theirs[12], s_culture) + 1, before.Run / NanosecondsPerTick, after.Run / NanosecondsPerTick + 2);
        Assert.Equal(theirs[19], (before.Start / NanosecondsPerTick).ToString(s_culture));
        Assert.True(before.Run > 0);
        Assert.Equal(await In($"sed -n 's/^Rss: *\\([0-9]*\\) kB/\\1/p' /proc/{guest.Redis}/smaps_rollup"), (MmUsage.Of(redis.Mm.Value).Resident.Bytes / 1024).ToString(s_culture));
    }

    [Theory]
    [InlineData("/run/looks-file")]
    [InlineData("/root/looks-file")]
    public async Task The_contents_of_a_file(string path)
    {
        await In($"head -c 1500000 /dev/urandom >{path} && printf end >>{path} && cat {path} >/dev/null");
        string theirs = (await In($"sha256sum {path}")).Split(' ')[0];

        byte[] ours = Find(path).ReadAll(2 << 20);
        byte[] piece = new byte[10];
        List<FileGap> gaps = [];

        Assert.Equal(theirs, Convert.ToHexStringLower(SHA256.HashData(ours)));
        Assert.Equal(6, Find(path).Read(1_500_003 - 6, piece, gaps));
        Assert.EndsWith("end", Encoding.ASCII.GetString(piece, 0, 6), StringComparison.Ordinal);
        Assert.Empty(gaps);
        await In($"rm {path}");
    }

    [Fact]
    public async Task What_is_not_in_memory_of_a_file_is_told()
    {
        await In("head -c 100000 /dev/zero >/root/looks-cold && sync && echo 3 >/proc/sys/vm/drop_caches && head -c 10 /root/looks-cold >/dev/null && stat /root/looks-cold");
        await In("truncate -s 100000 /run/looks-sparse && printf middle | dd of=/run/looks-sparse bs=1 seek=50000 conv=notrunc 2>/dev/null");
        byte[] cold = new byte[100_000], sparse = new byte[100_000];
        List<FileGap> coldGaps = [], sparseGaps = [];

        Find("/root/looks-cold").Read(0, cold, coldGaps);
        Find("/run/looks-sparse").Read(0, sparse, sparseGaps);

        // Its beginning was read back with some of what follows.
        Assert.All(coldGaps, gap => Assert.True(gap.Offset > 0 && gap.Reason == FileGapReason.NotInMemory));
        InodeStruct file = Find("/root/looks-cold");
        Assert.Equal(100_000 - Math.Min(100_000, (long)file.IMapping.Value.PageCount * 4096), coldGaps.Sum(gap => (long)gap.Length));
        Assert.Empty(sparseGaps);
        Assert.Equal("middle", Encoding.ASCII.GetString(sparse, 50_000, 6));
        Assert.All(sparse.Take(50_000), b => Assert.Equal(0, b));
        await In("rm /root/looks-cold /run/looks-sparse");
    }

    // "6,1234,5678901,-;text", as of Documentation/ABI/testing/dev-kmsg
    [GeneratedRegex(@"^(\d+,\d+,\d+),[^;]*;")]
    private static partial Regex KmsgHead();

    /// <summary>As /dev/kmsg does: bytes that are not printable, and backslashes.</summary>
    private static string Escaped(ReadOnlySpan<byte> text)
    {
        var escaped = new StringBuilder();
        foreach (byte b in text)
        {
            if (b is < 0x20 or >= 0x7f or (byte)'\\') escaped.Append(s_culture, $"\\x{b:x2}");
            else escaped.Append((char)b);
        }

        return escaped.ToString();
    }

    private static ulong[] Fields(CpuTimes t) => [.. new[] { t.User, t.Nice, t.System, t.Idle, t.IoWait, t.Irq, t.SoftIrq, t.Steal, t.Guest, t.GuestNice }.Select(ns => ns / NanosecondsPerTick)];

    private static ulong TotalOf(string line) => ulong.Parse(line[(line.IndexOf("total=", StringComparison.Ordinal) + 6)..], s_culture);

    private static void AssertStall(string line, string kind, Stall ours)
    {
        Assert.StartsWith(kind + " avg10=", line, StringComparison.Ordinal);
        Assert.Equal(TotalOf(line), ours.Total / 1000);
        double average = double.Parse(line.Split(' ')[1]["avg10=".Length..], s_culture);
        // It may have sunk since.
        Assert.InRange(ours.Average10, 0, average + 0.01);
    }

    private static (ulong Run, ulong Start) Usage(TaskStruct process)
    {
        ulong run = 0;
        foreach (TaskStruct thread in process.Threads) run += TaskUsage.Of(thread).SumExecRuntime;
        return (run, process.StartBoottime);
    }

    private CpuTimes[] Times(CpuAccounting cpus)
    {
        GuestClocks clocks = GuestClocks.Read(_kernel);
        return [cpus.Times(0, clocks), cpus.Times(1, clocks)];
    }

    private Dictionary<string, CgroupNode> Cgroups()
    {
        Dictionary<string, CgroupNode> cgroups = [];
        foreach (CgroupNode cgroup in _kernel.Cgroups) cgroups[cgroup.Cgroup.Path] = cgroup;
        return cgroups;
    }

    private InodeStruct Find(string path)
    {
        Assert.True(_kernel.TryFindProcess(1, out TaskStruct first));
        Assert.True(NameLookup.TryLookup(first.Fs.Value.Root, first.Nsproxy.Value.MntNs.Value, path, out DentryStruct name), path);
        return name.DInode.Value;
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private Task<string> In(string command) => guest.CheckAsync(command);
}
