using System.Collections.Frozen;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>The container as its files see it: where paths begin, what numbers mean, which namespaces are inside.</summary>
public sealed record FileScope
{
    public required GuestKernel Kernel { get; init; }

    /// <summary>Where the container's paths begin: its first process's root, or the guest's where it has no mounts of its own.</summary>
    public required PathStruct Root { get; init; }

    /// <summary>Its mounts are not the guest's own, so that files name the mount that they were opened through.</summary>
    public required bool HasOwnMounts { get; init; }

    /// <summary>struct pid_namespace * in which the model numbers processes.</summary>
    public required GuestVirtualAddress PidNamespace { get; init; }

    /// <summary>The inode numbers of all namespaces that the container's processes are in.</summary>
    public required FrozenSet<uint> Namespaces { get; init; }

    /// <summary>What the clocks showed; timers keep what is left of them from here.</summary>
    public required GuestClocks Clocks { get; init; }

    /// <summary>The scope of a tree of processes.</summary>
    /// <param name="processes">Their leaders that are not zombies, the first one first.</param>
    public static FileScope Of(IReadOnlyList<TaskStruct> processes, GuestClocks clocks)
    {
        TaskStruct first = processes[0];
        bool hasOwnMounts = first.Nsproxy.Value.MntNs.Address != first.Kernel.InitTask.Nsproxy.Value.MntNs.Address;
        return new FileScope
        {
            Kernel = first.Kernel,
            Root = hasOwnMounts ? first.Fs.Value.Root : GuestRoot(first),
            HasOwnMounts = hasOwnMounts,
            PidNamespace = first.ThreadPid.Value.Innermost.Ns,
            Namespaces = processes.Select(TaskNamespaces.Of)
                .SelectMany(IEnumerable<uint> (set) => [set.Pid, set.Net, set.Ipc, set.Uts, set.Mnt, set.User, set.Cgroup, set.Time])
                .ToFrozenSet(),
            Clocks = clocks,
        };
    }

    /// <summary>The root of the guest's own mounts: its init's. A process of a plain tree may have gone below it (chroot).</summary>
    private static PathStruct GuestRoot(TaskStruct process) =>
        (process.Kernel.TryFindProcess(1, out TaskStruct init) && !init.Fs.IsNull ? init : process).Fs.Value.Root;
}
