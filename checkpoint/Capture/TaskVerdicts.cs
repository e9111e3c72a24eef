using Watari.Checkpoint.Capture.Namespaces;
using Watari.Checkpoint.Capture.Processes;
using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;
using IpcNamespace = Watari.Introspection.Namespaces.IpcNamespace;

namespace Watari.Checkpoint.Capture;

/// <summary>What of processes and threads themselves, and of their namespaces, cannot be carried.</summary>
internal static class TaskVerdicts
{
    private const ulong Addr32 = 1UL << 29; // TIF_ADDR32 (arch/x86/include/asm/thread_info.h)
    private const uint SchedDeadline = 6;

    private static readonly NamespaceKind[] OneOfEach = [NamespaceKind.Pid, NamespaceKind.Net, NamespaceKind.Ipc, NamespaceKind.Uts, NamespaceKind.Mnt, NamespaceKind.User];
    private static readonly string[] SystemVObjects = ["semaphores", "message queues", "shared memory"];

    public static void Judge(IReadOnlyList<TaskStruct> processes, CaptureContext context)
    {
        TaskStruct first = processes.First(process => process.ExitState == 0);
        NamespaceSet own = NamespaceCapture.Of(first);
        JudgeNamespaces(first, own, context);
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
            foreach (TaskStruct thread in process.Threads)
            {
                if (thread.ExitState == 0)
                    JudgeThread(thread, context);
            }
        }
    }

    private static void JudgeThread(TaskStruct thread, CaptureContext context)
    {
        string subject = CaptureContext.NameOf(thread);
        if (thread.Ptrace != 0)
            context.Refuse(subject, "it is traced by a debugger (ptrace); detach that first");
        if ((thread.ThreadInfoFlags & Addr32) != 0)
            context.Refuse(subject, "a 32-bit program");
        if (thread.Policy == SchedDeadline)
            context.Refuse(subject, "it is scheduled by deadlines (SCHED_DEADLINE)");
        if (FpuCapture.NotCarried(thread) is not 0 and ulong features)
            context.Refuse(subject, $"it uses registers that images have no place for (XSAVE components {features:x})");
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

    private static void JudgeNamespaces(TaskStruct first, NamespaceSet own, CaptureContext context)
    {
        NamespaceSet host = context.HostNamespaces;
        if (own.User != host.User)
            context.Refuse("user namespace", "the container has one of its own");
        if (own.Net != host.Net)
            context.NeedsHelp("network namespace", "its interfaces are made anew by the runtime; lo must be set up");
        if (own.Ipc == host.Ipc)
            return;
        IpcNamespace ipc = first.Nsproxy.Value.IpcNs.Value;
        for (int kind = 0; kind < SystemVObjects.Length; kind++)
        {
            if (ipc.Ids[kind].InUse != 0)
                context.Refuse("ipc namespace", $"System V {SystemVObjects[kind]}");
        }
        if (ipc.MqQueuesCount != 0)
            context.Refuse("ipc namespace", "POSIX message queues");
    }
}
