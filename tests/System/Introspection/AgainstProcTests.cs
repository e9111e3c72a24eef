using System.Globalization;
using System.Text;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.SystemTests.Introspection;

/// <summary>What is read out of a guest's memory, beside what the guest's own /proc says of processes that stand still.</summary>
public sealed class AgainstProcTests(GuestWithRedis guest) : IClassFixture<GuestWithRedis>
{
    private const int CommLength = 15; // TASK_COMM_LEN without its end

    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    private readonly GuestKernel _kernel = guest.Kernel;
    private readonly int _redis = guest.Redis;

    [Fact]
    public async Task Its_release_and_symbols()
    {
        Assert.Equal(await In("uname -r"), _kernel.Release);
        foreach (string name in (string[])["init_task", "_stext", "process_timeout", "socket_file_ops", "init_pid_ns"])
        {
            string line = await In($"grep -m1 -E ' {name}$' /proc/kallsyms");
            Assert.Equal(new GuestVirtualAddress(ulong.Parse(line.Split(' ')[0], NumberStyles.HexNumber, s_culture)), _kernel.Symbols.Find(name));
        }
    }

    [Fact]
    public async Task Its_processes_and_threads()
    {
        // Of each process: id, parent, group, session, threads, name. The shell's own children come and go; none of them is asked for.
        string[] theirs = Lines(await In("for p in /proc/[0-9]*; do { read -r line <$p/stat; } 2>/dev/null && echo \"$line\"; done"));
        var ours = new Dictionary<int, string>();
        foreach (TaskStruct process in _kernel.Processes)
        {
            SignalStruct signal = process.Signal.Value;
            ours[process.Tgid] = string.Create(s_culture, $"{process.Comm} {process.RealParent.Value.Tgid} {signal.Pid(PidType.Pgid).Innermost.Nr} {signal.Pid(PidType.Sid).Innermost.Nr} {Count(process)}");
        }

        int compared = 0;
        foreach (string line in theirs)
        {
            int open = line.IndexOf('(', StringComparison.Ordinal), close = line.LastIndexOf(')');
            int pid = int.Parse(line[..(open - 1)], s_culture);
            string[] rest = line[(close + 2)..].Split(' ');
            string name = line[(open + 1)..close];
            // Of the kernel's threads /proc shows the whole name where comm has 15 bytes of it, and of a worker its work instead.
            if (name.Length > CommLength) name = name[..CommLength];
            if (name.StartsWith("kworker", StringComparison.Ordinal) || !ours.TryGetValue(pid, out string? mine)) continue;
            Assert.Equal(string.Join(' ', name, rest[1], rest[2], rest[3], rest[17]), mine);
            compared++;
        }

        Assert.InRange(compared, 20, ours.Count);
        Assert.Contains(_redis, ours.Keys);
        Assert.Equal(Lines(await In($"ls -1 /proc/{_redis}/task")).Select(tid => int.Parse(tid, s_culture)).Order(), Threads(Redis()).Order());
    }

    [Fact]
    public async Task The_areas_and_pages_of_a_process()
    {
        string[] theirs = Lines(await In($"cat /proc/{_redis}/maps"));
        TaskStruct process = Redis();
        PathStruct root = process.Fs.Value.Root;
        var ours = new List<string>();
        long anonymous = 0;
        var zeroes = new ZeroPages(_kernel);
        AddressSpace space = process.Mm.Value.AddressSpace;
        foreach (VmAreaStruct area in process.Mm.Value.Areas)
        {
            ours.Add(ProcText.Area(area, root));
            foreach (PageRun run in space.PageRuns(area.Range))
            {
                if (run.Kind != PageRunKind.Present) continue;
                for (long i = 0; i < run.Count.Value; i++)
                {
                    PageFrameNumber frame = run.Physical.Frame + new PageCount(i);
                    if (!zeroes.Contains(frame) && _kernel.At<PageStruct>(_kernel.Pages.PageOf(frame)).IsAnonymous) anonymous++;
                }
            }
        }

        Assert.Equal(theirs.Select(ProcText.WithoutBracketNames), ours);
        Assert.Equal(await In($"grep -m1 Anonymous: /proc/{_redis}/smaps_rollup | tr -s ' ' | cut -d' ' -f2"), (anonymous * 4).ToString(s_culture));

        // Frame by frame, on the first pages of the heap.
        GuestVirtualAddress heap = process.Mm.Value.StartBrk;
        string[] entries = Lines(await In($"dd if=/proc/{_redis}/pagemap bs=8 skip={heap.Value >> GuestPage.Shift} count=16 2>/dev/null | od -An -v -w8 -tx8 | tr -d ' '"));
        for (int i = 0; i < entries.Length; i++)
        {
            ulong entry = ulong.Parse(entries[i], NumberStyles.HexNumber, s_culture);
            PageTranslation translation = space.Translate(heap + (ulong)i * GuestPage.Size);
            Assert.Equal(entry >> 63 != 0, translation.IsMapped);
            if (translation.IsMapped) Assert.Equal(entry & ((1UL << 55) - 1), translation.Physical.Frame.Value);
        }
    }

    [Fact]
    public async Task The_descriptors_and_directories_of_a_process()
    {
        TaskStruct process = Redis();
        PathStruct root = process.Fs.Value.Root;
        var ours = new List<string>();
        foreach (OpenFile open in process.Files.Value.Open)
        {
            const uint closeOnExec = 0x80000; // O_CLOEXEC, which /proc puts back into the flags
            uint flags = (open.File.FFlags & ~closeOnExec) | (open.CloseOnExec ? closeOnExec : 0);
            ours.Add(string.Create(s_culture, $"{open.Descriptor} {ProcText.File(open.File, root)} {open.File.FPos} 0{Convert.ToString(flags, 8)}"));
        }

        string[] theirs = Lines(await In($"cd /proc/{_redis}/fd; for f in $(ls | sort -n); do echo $f $(readlink $f) $(sed -n 's/^pos:[\\t ]*//p;s/^flags:[\\t ]*//p' ../fdinfo/$f); done"));
        Assert.Equal(theirs, ours);
        Assert.Equal(await In($"readlink /proc/{_redis}/cwd"), ProcText.Name(process.Fs.Value.Pwd.NameFrom(root)));
        Assert.Equal(await In($"readlink /proc/{_redis}/exe"), ProcText.Name(process.Mm.Value.ExeFile.Value.FPath.NameFrom(root)));
    }

    [Fact]
    public async Task The_mounts()
    {
        string[] theirs = Lines(await In($"cut -d' ' -f1,2,3,4,5 /proc/{_redis}/mountinfo"));
        TaskStruct process = Redis();
        PathStruct root = process.Fs.Value.Root;
        var ours = new Dictionary<string, string>();
        foreach (MountStruct mount in process.Nsproxy.Value.MntNs.Value.Mounts)
        {
            uint device = mount.Mnt.MntSb.Value.SDev;
            ours[mount.MntId.ToString(s_culture)] = string.Create(s_culture, $"{mount.MntId} {mount.MntParent.Value.MntId} {device >> 20}:{device & 0xfffff} {Encoding.UTF8.GetString(mount.Mnt.MntRoot.Value.PathInFileSystem.Span)}");
        }

        Assert.NotEmpty(theirs);
        foreach (string line in theirs)
        {
            string[] words = line.Split(' ');
            Assert.Equal(string.Join(' ', words[..4]), ours[words[0]]);
        }
    }

    [Fact]
    public async Task The_namespaces_credentials_and_signals_of_a_process()
    {
        TaskStruct process = Redis();
        TaskNamespaces spaces = TaskNamespaces.Of(process);
        foreach ((string kind, uint ours) in ((string, uint)[])[("pid", spaces.Pid), ("net", spaces.Net), ("ipc", spaces.Ipc), ("uts", spaces.Uts), ("mnt", spaces.Mnt), ("user", spaces.User), ("cgroup", spaces.Cgroup), ("time", spaces.Time)])
            Assert.Equal(string.Create(s_culture, $"{kind}:[{ours}]"), await In($"readlink /proc/{_redis}/ns/{kind}"));

        Cred cred = process.Cred.Value;
        ulong ignored = 0, caught = 0;
        for (int signal = 0; signal < process.Sighand.Value.Action.Length; signal++)
        {
            ulong handler = process.Sighand.Value.Action[signal].Handler;
            if (handler == 1) ignored |= 1UL << signal;
            else if (handler != 0) caught |= 1UL << signal;
        }

        string[] ours2 =
        [
            $"Uid:\t{cred.Uid}\t{cred.Euid}\t{cred.Suid}\t{cred.Fsuid}", $"Gid:\t{cred.Gid}\t{cred.Egid}\t{cred.Sgid}\t{cred.Fsgid}",
            $"SigBlk:\t{process.Blocked:x16}", $"SigIgn:\t{ignored:x16}", $"SigCgt:\t{caught:x16}",
            $"CapInh:\t{cred.CapInheritable:x16}", $"CapPrm:\t{cred.CapPermitted:x16}", $"CapEff:\t{cred.CapEffective:x16}",
            $"CapBnd:\t{cred.CapBset:x16}", $"CapAmb:\t{cred.CapAmbient:x16}", $"NoNewPrivs:\t{process.AtomicFlags & 1}", $"Seccomp:\t{process.SeccompMode}",
        ];
        string status = await In($"cat /proc/{_redis}/status");
        foreach (string line in ours2) Assert.Contains(line, Lines(status));
        Assert.Equal((await In($"cat /proc/{_redis}/cgroup")).Split(':')[2], process.Cgroups.Value.DflCgrp.Value.Path);
        Assert.Equal(await In($"cat /proc/{_redis}/oom_score_adj"), process.Signal.Value.OomScoreAdj.ToString(s_culture));
        string files = await In($"grep '^Max open files' /proc/{_redis}/limits | tr -s ' ' | cut -d' ' -f4,5");
        Assert.Equal(files, $"{process.Signal.Value.Rlim[7].Current} {process.Signal.Value.Rlim[7].Maximum}");
    }

    [Fact]
    public async Task The_clocks()
    {
        static double Uptime(string text) => double.Parse(text.Split(' ')[0], s_culture);

        double before = Uptime(await In("cat /proc/uptime"));
        GuestClocks clocks = GuestClocks.Read(_kernel);
        double after = Uptime(await In("cat /proc/uptime"));
        Assert.InRange(clocks.Boottime / 1e9, before - 0.1, after + 0.1); // right to the last tick
        double real = clocks.Realtime / 1e9;
        Assert.InRange(real, double.Parse(await In("date +%s"), s_culture) - (after - before) - 60, double.Parse(await In("date +%s"), s_culture) + 1);
    }

    private TaskStruct Redis() => _kernel.TryFindProcess(_redis, out TaskStruct process) ? process : throw new InvalidOperationException("redis is not there");

    private static List<int> Threads(TaskStruct process)
    {
        var ids = new List<int>();
        foreach (TaskStruct thread in process.Threads) ids.Add(thread.Pid);
        return ids;
    }

    private static int Count(TaskStruct process) => Threads(process).Count;

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private Task<string> In(string command) => guest.CheckAsync(command);
}
