using System.Text;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Skeleton;
using Watari.Introspection.Accounting;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Containers;
using Watari.Introspection.Fs;
using Watari.Introspection.Log;
using Watari.Introspection.Mm;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Net;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;
using PageRun = Watari.Introspection.Paging.PageRun;

namespace Watari.Fuzzing;

/// <summary>One way of looking at a guest, as the product does it.</summary>
/// <param name="Name">In the report.</param>
/// <param name="Weight">How often it is taken beside others.</param>
/// <param name="See">Reads what there is; returns something of it, so that nothing is left out as unused.</param>
internal sealed record GuestLook(string Name, int Weight, Func<GuestKernel, long> See);

/// <summary>All looks at the guest of a snapshot. Whom they look at is found while nothing is spoilt.</summary>
internal sealed class Looks
{
    private readonly string[] _running;
    private readonly string? _paused;

    public Looks(GuestKernel kernel)
    {
        IReadOnlyList<GuestContainer> containers = kernel.FindContainers();
        _running = [.. containers.Where(container => !container.Init.Frozen).Select(container => container.CgroupPath)];
        _paused = containers.Where(container => container.Init.Frozen).Select(container => container.CgroupPath).FirstOrDefault();
        All =
        [
            new("processes", 8, Processes),
            new("threads", 6, Threads),
            new("areas", 8, Areas),
            new("pages", 3, Pages),
            new("descriptors", 8, Descriptors),
            new("mounts", 4, Mounts),
            new("namespaces", 4, Namespaces),
            new("cgroups", 6, Cgroups),
            new("accounting", 4, Accounting),
            new("log", 4, Log),
            new("sockets", 6, Sockets),
            new("timers and signals", 6, TimersAndSignals),
            new("clocks", 2, static kernel => GuestClocks.Read(kernel).Monotonic),
            new("containers", 2, Containers),
            new("contents of files", 3, Contents),
            .. _running.Select(path => new GuestLook($"verdicts on {path}", 1, kernel => Judge(kernel, path))),
            .. _paused is { } paused ? [new GuestLook($"capture of {paused}", 2, kernel => Capture(kernel, paused, build: false)), new GuestLook($"images of {paused}", 1, kernel => Capture(kernel, paused, build: true))] : Array.Empty<GuestLook>(),
        ];
    }

    public IReadOnlyList<GuestLook> All { get; }

    private static long Processes(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            sum += process.Tgid + process.Comm.ToString().Length + process.State + process.ExitState + process.RealParent.Value.Tgid + (long)process.StartBoottime;
            if (process.ThreadPid.TryGet(out PidStruct pid)) sum += pid.Innermost.Nr;
            SignalStruct signal = process.Signal.Value;
            sum += signal.NrThreads + signal.Pid(PidType.Pgid).Innermost.Nr + signal.OomScoreAdj;
        }

        return sum;
    }

    private static long Threads(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process)) continue;
            foreach (TaskStruct thread in process.Threads)
            {
                sum += thread.Pid + (long)TaskUsage.Of(thread).Utime + (long)thread.FsBase + thread.Cred.Value.GroupInfo.Value.Groups.ToArray().Length;
                if (!thread.OnCpu) sum += (long)thread.Registers.Ip;
                var state = XState.Read(thread);
                for (int feature = 2; feature < 20; feature++) sum += state.Component(feature).Length;
                if (SecurityModules.IsLandlocked(thread)) sum++;
            }
        }

        return sum;
    }

    private static long Areas(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process) || !process.Mm.TryGet(out MmStruct mm)) continue;
            PathStruct root = process.Fs.Value.Root;
            GuestVirtualAddress last = default;
            foreach (VmAreaStruct area in mm.Areas)
            {
                sum += (long)area.Range.Length + (area.SpecialName?.Length ?? 0);
                if (!area.VmFile.TryGet(out FileStruct file) || file.Address == last) continue;
                last = file.Address;
                sum += file.UserPath.NameFrom(root).Bytes.Length + (long)file.FInode.Value.IIno;
            }
        }

        return sum;
    }

    private static long Pages(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process) || !process.Mm.TryGet(out MmStruct mm)) continue;
            AddressSpace space = mm.AddressSpace;
            foreach (VmAreaStruct area in mm.Areas)
            {
                foreach (PageRun run in space.PageRuns(area.Range)) sum += run.Kind == PageRunKind.Present ? run.Count.Value : 0;
            }
        }

        return sum;
    }

    private static long Descriptors(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process) || !process.Files.TryGet(out FilesStruct files)) continue;
            PathStruct root = process.Fs.Value.Root;
            sum += process.Fs.Value.Pwd.NameFrom(root).Bytes.Length;
            foreach (var open in files.Open)
            {
                InodeStruct inode = open.File.FInode.Value;
                sum += open.File.FPath.NameFrom(root).Bytes.Length + open.File.FPos + (long)inode.IIno + inode.ISb.Value.SType.Value.Name.ToString().Length + (open.File.OperationsName?.Length ?? 0);
                if (DirectoryNotification.IsAskedFor(open.File)) sum++;
                if (inode.Type == FileType.Fifo && inode.IPipe.IsKernel) sum += PipeInodeInfo.At(kernel, inode.IPipe).Unread().Length;
                if (open.File.OperationsName == "eventpoll_fops")
                {
                    foreach (EpItem item in EventPollStruct.At(kernel, open.File.PrivateData).Watched) sum += item.Fd + item.File.Value.FPos;
                }
            }
        }

        return sum;
    }

    private static long Mounts(GuestKernel kernel)
    {
        long sum = 0;
        var seen = new HashSet<GuestVirtualAddress>();
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process) || !process.Nsproxy.TryGet(out NsProxy proxy) || !seen.Add(proxy.MntNs.Address)) continue;
            PathStruct root = process.Fs.Value.Root;
            foreach (MountStruct mount in proxy.MntNs.Value.Mounts)
            {
                SuperBlock fileSystem = mount.Mnt.MntSb.Value;
                sum += mount.MntId + mount.MntParent.Value.MntId + fileSystem.SDev + mount.Mnt.MntRoot.Value.PathInFileSystem.Length
                    + PathName.Of(mount.Mnt, mount.Mnt.MntRoot.Value, root).Bytes.Length + mount.MntDevname.ToString().Length + fileSystem.SType.Value.Name.ToString().Length;
            }
        }

        return sum;
    }

    private static long Namespaces(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process) || !process.Nsproxy.TryGet(out NsProxy proxy)) continue;
            TaskNamespaces set = TaskNamespaces.Of(process);
            Introspection.Namespaces.IpcNamespace ipc = proxy.IpcNs.Value;
            sum += set.Pid + set.User + proxy.UtsNs.Value.Nodename.ToString().Length + ipc.SemCtls.ToArray().Length;
            for (int kind = 0; kind < 3; kind++)
            {
                if (ipc.Ids[kind].Objects is not { } objects) continue;
                foreach (Introspection.Walks.XarrayEntry entry in objects.Entries) sum += (long)entry.Index;
            }
        }

        return sum;
    }

    private static long Cgroups(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process)) continue;
            Cgroup cgroup = process.Cgroups.Value.DflCgrp.Value;
            sum += cgroup.Path.Length + (long)(cgroup.Memory?.Max ?? 0) + (cgroup.Pids?.Limit ?? 0) + (long)(cgroup.Cpu?.Weight ?? 0);
        }

        return sum;
    }

    private static long Accounting(GuestKernel kernel)
    {
        long sum = kernel.MemoryInfo.Available;
        var cpus = new CpuAccounting(kernel);
        GuestClocks clocks = GuestClocks.Read(kernel);
        for (int cpu = 0; cpu < kernel.PerCpu.PossibleCpus; cpu++)
        {
            kernel.TakeSteps(1);
            sum += (long)cpus.Times(cpu, clocks).Idle + cpus.RunningTasks(cpu);
        }

        var pressure = new PressureAccounting(kernel);
        foreach (CgroupNode cgroup in kernel.Cgroups)
        {
            sum += cgroup.Cgroup.Path.Length + (long)(cgroup.CpuUsage?.Total ?? 0) + (long)(cgroup.Cgroup.Memory?.Usage ?? 0) + (cgroup.Cgroup.Pids?.Counter ?? 0)
                + (long)(pressure.Of(cgroup, PressureResource.Memory)?.Some.Total ?? 0) + (cgroup.IsPopulated || cgroup.IsFrozen ? 1 : 0);
        }

        foreach (TaskStruct process in kernel.Processes)
        {
            sum += (long)TaskUsage.Of(process).SumExecRuntime;
            if (process.Mm.TryGet(out MmStruct mm)) sum += MmUsage.Of(mm).Resident.Value;
        }

        return sum + (long)kernel.CgroupVersion;
    }

    private static long Log(GuestKernel kernel)
    {
        long sum = 0;
        foreach (KernelLogRecord record in kernel.Log) sum += record.Text.Length + record.Level;
        return sum;
    }

    private static long Sockets(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process) || !process.Files.TryGet(out FilesStruct files)) continue;
            foreach (var open in files.Open)
            {
                if (open.File.FInode.Value.Type != FileType.Socket) continue;
                Socket socket = Socket.At(kernel, open.File.PrivateData);
                Sock sock = socket.Sk.Value;
                sum += sock.Family + sock.Num + socket.Type + (long)socket.Inode.IIno + Jiffies.PerSecond(kernel);
                var bytes = new System.Buffers.ArrayBufferWriter<byte>();
                if (sock.State != 10) // a listener's queue holds connections
                {
                    foreach (SkBuff packet in sock.SkReceiveQueue.Packets) packet.AppendTo(bytes);
                }

                sum += bytes.WrittenCount;
                if (sock.Family == 1)
                {
                    var unix = UnixSock.Of(sock);
                    if (unix.Addr.TryGet(out UnixAddress address)) sum += address.Name.Length;
                    if (unix.Peer.TryGet(out Sock peer)) sum += peer.State;
                }
                else if (sock.Family is 2 or 10)
                {
                    sum += sock.V6RcvSaddr.Bytes.Length + (NetDevice.NameOf(sock.Net.Value, 1)?.Length ?? 0);
                    if (sock.Protocol != 6) continue;
                    foreach (SkBuff packet in TcpSock.At(kernel, sock.Address).Retransmits) sum += TcpSkbCb.Of(packet).Seq;
                }
            }
        }

        return sum;
    }

    private static long TimersAndSignals(GuestKernel kernel)
    {
        long sum = 0;
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!IsUser(process)) continue;
            SignalStruct signal = process.Signal.Value;
            foreach (KItimer timer in new PosixTimers(signal)) sum += timer.ItId + timer.RealTimer.Expires + timer.Signal.Info.SiSigno;
            foreach (SigQueue queued in signal.SharedPending.Queue) sum += queued.Info.SiSigno;
            foreach (SigQueue queued in process.Pending.Queue) sum += queued.Info.SiSigno;
            SighandStruct handlers = process.Sighand.Value;
            for (int i = 0; i < 64; i++) sum += (long)handlers.Action[i].Handler;
            for (int i = 0; i < 16; i++) sum += (long)signal.Rlim[i].Current;
        }

        return sum;
    }

    /// <summary>What a silo tells of the containers of a VM.</summary>
    private static long Containers(GuestKernel kernel)
    {
        long sum = 0;
        foreach (GuestContainer container in kernel.FindContainers())
        {
            sum += container.Id.Length + (container.Bundle?.Length ?? 0);
            foreach (TaskStruct process in container.Processes())
            {
                sum += process.Signal.Value.NrThreads;
                if (!process.Mm.TryGet(out MmStruct mm) || mm.ArgEnd <= mm.ArgStart) continue;
                byte[] words = new byte[Math.Min(mm.ArgEnd - mm.ArgStart, 512)];
                sum += Encoding.UTF8.GetString(words.AsSpan(0, mm.AddressSpace.ReadUpTo(mm.ArgStart, words))).Length;
            }
        }

        return sum;
    }

    private long Contents(GuestKernel kernel)
    {
        long sum = 0;
        if (kernel.TryFindProcess(1, out TaskStruct first))
        {
            foreach (string path in (string[])["/run/runc/redis/state.json", "/run/runc/kinds/state.json", "/dev/null"])
            {
                if (!NameLookup.TryLookup(first.Fs.Value.Root, first.Nsproxy.Value.MntNs.Value, path, out DentryStruct name)) continue;
                foreach (FilePageRun run in name.DInode.Value.IMapping.Value.Pages) sum += run.Count.Value;
                sum += name.DInode.Value.Read(0, new byte[64 << 10], new List<FileGap>());
            }
        }

        foreach (string id in _running) sum += RuncState.TryRead(kernel, id.Split('/')[^1])?.Bundle?.Length ?? 0;
        return sum;
    }

    private static long Judge(GuestKernel kernel, string cgroup)
    {
        using StillGuest still = StillGuest.Pause(kernel, Unmoved.Instance);
        return ContainerCapture.Judge(still, new TaskSelection.OfCgroup(cgroup)).Length;
    }

    private static long Capture(GuestKernel kernel, string cgroup, bool build)
    {
        using StillGuest still = StillGuest.Pause(kernel, Unmoved.Instance);
        Container container = ContainerCapture.Capture(still, FrozenTasks.Observe(still, new TaskSelection.OfCgroup(cgroup)));
        return build
            ? SkeletonBuilder.Build(container, new GuestPageContents(kernel.Memory), CriuImageOptions.Default).Images.Images.Count
            : container.Processes.Length;
    }

    private static bool IsUser(TaskStruct process) => !process.IsKernelThread && process.ExitState == 0;

    /// <summary>The CPUs of a guest that does not run.</summary>
    private sealed class Unmoved : IVcpuControl
    {
        public static Unmoved Instance { get; } = new();

        public void Pause()
        {
        }

        public void Resume()
        {
        }
    }
}
