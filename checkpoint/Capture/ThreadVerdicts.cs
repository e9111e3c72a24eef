using Watari.Checkpoint.Capture.Processes;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Capture;

/// <summary>What of a thread cannot be carried, most of it because the images have no place for it.</summary>
internal static class ThreadVerdicts
{
    private const ulong Addr32 = 1UL << 29;     // TIF_ADDR32 (arch/x86/include/asm/thread_info.h)
    private const uint SchedDeadline = 6;       // the last that takes more than a priority; SCHED_EXT is above
    private const uint SchedFifo = 1;
    private const uint SchedRoundRobin = 2;
    private const ulong DefaultTimerSlack = 50_000; // nanoseconds (init/init_task.c)

    public static void Judge(TaskStruct thread, CaptureContext context)
    {
        string subject = CaptureContext.NameOf(thread);
        var settings = TaskSettings.Of(thread);
        if (thread.Ptrace != 0)
            context.Refuse(subject, "it is traced by a debugger (ptrace); detach that first");
        if ((thread.ThreadInfoFlags & Addr32) != 0)
            context.Refuse(subject, "a 32-bit program");
        if (FpuCapture.NotCarried(thread) is not 0 and ulong features)
            context.Refuse(subject, $"it uses registers that images have no place for (XSAVE components {features:x})");
        if (settings.IoUring is { } rings && rings.TryGet(out IoUringTask ring) && ring.Rings.Head != 0)
            context.Refuse(subject, "it works with rings of io_uring");
        if (settings.SemaphoreUndo is { } undo && undo.TryGet(out SemUndoList changes) && !changes.ListProc.IsEmpty)
            context.Refuse(subject, "it has changed System V semaphores and wants that undone when it ends (SEM_UNDO)");
        JudgeScheduling(thread, settings, subject, context);
        JudgeProcessor(thread, settings, subject, context);
        JudgeSecurity(thread, subject, context);
    }

    private static void JudgeScheduling(TaskStruct thread, TaskSettings settings, string subject, CaptureContext context)
    {
        if (thread.Policy >= SchedDeadline)
            context.Refuse(subject, thread.Policy == SchedDeadline ? "it is scheduled by deadlines (SCHED_DEADLINE)" : $"it is scheduled by policy {thread.Policy}, which is not carried");
        if (settings.SchedResetOnFork)
            context.NeedsHelp(subject, "its children will inherit its scheduling policy at the destination (SCHED_RESET_ON_FORK is not carried)");
        if (settings.UserCpusPtr is { IsNull: false })
            context.NeedsHelp(subject, $"it is bound to {settings.NrCpusAllowed} of the VM's CPUs; at the destination it runs on any (sched_setaffinity is not carried)");
        if (settings.IoContext is { } io && io.TryGet(out IoContext priority) && priority.PriorityClass != 0)
            context.NeedsHelp(subject, "its I/O priority is not carried (ioprio_set)");
        if (settings.Mempolicy is { IsNull: false })
            context.NeedsHelp(subject, "its NUMA policy is not carried (set_mempolicy)");
        // A real-time thread's timers have no slack, whatever was set.
        if (thread.TimerSlackNs is not (DefaultTimerSlack or 0) && thread.Policy is not (SchedFifo or SchedRoundRobin))
            context.NeedsHelp(subject, $"its timers' slack of {thread.TimerSlackNs} ns is not carried (prctl PR_SET_TIMERSLACK)");
    }

    private static void JudgeProcessor(TaskStruct thread, TaskSettings settings, string subject, CaptureContext context)
    {
        if (settings.IoBitmap is { IsNull: false } || settings.IoplEmul is > 0)
            context.Refuse(subject, "it may use the machine's I/O ports (ioperm, iopl)");
        if (settings.TlsArray is { } segments && Enumerable.Range(0, segments.Length).Any(i => !segments[i].IsEmpty))
            context.Refuse(subject, "it has memory segments of its own (set_thread_area)");
        if (settings.SyscallWork is { } work
            && context.Kernel.Types.TryGetEnumerator("SYSCALL_WORK_BIT_SYSCALL_USER_DISPATCH", out long dispatch)
            && (work >> (int)dispatch & 1) != 0)
        {
            context.Refuse(subject, "it takes its system calls back as signals (prctl PR_SET_SYSCALL_USER_DISPATCH)");
        }
    }

    private static void JudgeSecurity(TaskStruct thread, string subject, CaptureContext context)
    {
        if (SecurityModules.IsLandlocked(thread))
            context.Refuse(subject, "it has restricted itself by landlock, which would be lifted at the destination");
        var keyrings = Keyrings.Of(thread);
        if (HasKeys(keyrings.Process) || HasKeys(keyrings.Thread))
            context.Refuse(subject, "it holds keys of the kernel's (keyctl), which are not carried");
        if (HasKeys(keyrings.Session))
            context.NeedsHelp(subject, "the keys of its session (keyctl) are not carried");
    }

    private static bool HasKeys(Ptr<KeyStruct>? keyring) => keyring is { } ring && ring.TryGet(out KeyStruct keys) && keys.Keys != 0;
}
