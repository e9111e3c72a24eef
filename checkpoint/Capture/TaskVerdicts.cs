using Watari.Checkpoint.Capture.Namespaces;
using Watari.Checkpoint.Model;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture;

/// <summary>What of processes themselves, and of their namespaces, cannot be carried.</summary>
internal static class TaskVerdicts
{
    private static readonly NamespaceKind[] OneOfEach =
    [
        NamespaceKind.Pid, NamespaceKind.Net, NamespaceKind.Ipc, NamespaceKind.Uts, NamespaceKind.Mnt, NamespaceKind.User, NamespaceKind.Cgroup, NamespaceKind.Time,
    ];

    public static void Judge(IReadOnlyList<TaskStruct> processes, CaptureContext context)
    {
        TaskStruct first = processes.First(process => process.ExitState == 0);
        NamespaceSet own = NamespaceCapture.Of(first);
        JudgeNamespaces(own, context);
        JudgeCgroups(first, context);
        IpcVerdicts.Judge(first.Nsproxy.Value.IpcNs.Value, own.Ipc != context.HostNamespaces.Ipc, context);
        var memories = new HashSet<ulong>();
        bool rooted = false;
        foreach (TaskStruct process in processes)
        {
            string subject = CaptureContext.NameOf(process);
            if (context.ParentOf(process) == 0)
            {
                if (rooted)
                    context.Refuse(subject, $"its parent is outside of the container, as of one that was started there by exec; end it first. The container's first process is {CaptureContext.NameOf(first)}");
                rooted = true;
            }
            if (process.ExitState != 0)
            {
                if (process.Signal.Value.NrThreads > 1)
                    context.Refuse(subject, "its first thread has ended while others go on");
                continue;
            }
            JudgeSession(process, subject, context);
            if (!memories.Add(process.Mm.Address.Value))
                context.Refuse(subject, "it shares its memory with another process (vfork, CLONE_VM)");
            NamespaceSet others = NamespaceCapture.Of(process);
            foreach (NamespaceKind kind in OneOfEach)
            {
                if (others[kind] != own[kind])
                    context.Refuse(subject, $"it is in another {kind.ToString().ToLowerInvariant()} namespace than the container's first process");
            }
            JudgeChildren(process, subject, context);
            foreach (TaskStruct thread in process.Threads)
            {
                if (thread.ExitState == 0)
                    ThreadVerdicts.Judge(thread, context);
            }
        }
    }

    private static void JudgeSession(TaskStruct process, string subject, CaptureContext context)
    {
        SignalStruct signal = process.Signal.Value;
        if (!signal.Tty.IsNull)
            context.Refuse(subject, "it has a controlling terminal");
        // In a pid namespace of its own a session whose first process has ended is made again; in the guest's, its number may be taken.
        bool inside = signal.Pid(PidType.Sid).IdIn(context.PidNamespace) is { } session
            && (context.HasOwnPids || context.IsProcess(session));
        if (!inside)
            context.Refuse(subject, "its session belongs to a process outside of the container (start it with setsid)");
    }

    /// <summary>Namespaces that it has asked for (unshare) and only its children will be in.</summary>
    private static void JudgeChildren(TaskStruct process, string subject, CaptureContext context)
    {
        NsProxy proxy = process.Nsproxy.Value;
        if (proxy.PidNsForChildren.Address != process.ThreadPid.Value.Innermost.Ns)
            context.Refuse(subject, "its children would be in another pid namespace than it is (unshare CLONE_NEWPID)");
        if (proxy is { TimeNs: { } time, TimeNsForChildren: { } children } && time.Address != children.Address)
            context.Refuse(subject, "its children would be in another time namespace than it is (unshare CLONE_NEWTIME)");
    }

    /// <summary>What a container may use is in hierarchies that its images have no place for, and its destination does not have.</summary>
    private static void JudgeCgroups(TaskStruct first, CaptureContext context)
    {
        if (!context.HasOwnPids)
            return;
        foreach ((_, string path) in first.LegacyCgroups())
        {
            context.Refuse($"cgroup {path}", "it is of cgroup version 1, and only containers of version 2 are carried: boot the guest with systemd.unified_cgroup_hierarchy=1, and start the container there");
            return;
        }
    }

    private static void JudgeNamespaces(NamespaceSet own, CaptureContext context)
    {
        NamespaceSet host = context.HostNamespaces;
        if (own.User != host.User)
            context.Refuse("user namespace", "the container has one of its own");
        if (own.Net != host.Net)
            context.NeedsHelp("network namespace", "its interfaces are made anew by the runtime; lo must be set up");
    }
}
