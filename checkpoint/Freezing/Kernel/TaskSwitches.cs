using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>
/// The words of a task that make its kernel freeze, thaw or end it, as the kernel's own cgroup_freeze_task and
/// complete_signal set them (kernel/cgroup/freezer.c, kernel/signal.c). Written while the guest stands still and the
/// task's siglock is free.
/// </summary>
internal sealed class TaskSwitches
{
    // JOBCTL_TRAP_FREEZE, include/linux/sched/jobctl.h: bit 23 since 76f969e8948d, v5.2.
    private const ulong TrapFreeze = 1UL << 23;

    // JOBCTL_STOPPED, include/linux/sched/jobctl.h: bit 26 since 31cae1eaae4f, v5.19; unused before.
    private const ulong Stopped = 1UL << 26;

    // include/linux/sched/signal.h
    private const uint GroupExit = 4;

    private const int SigKill = 9;

    private readonly ulong _signalPending;
    private readonly ulong _state;
    private readonly ulong _jobctl;
    private readonly ulong _threadFlags;
    private readonly ulong _pending;
    private readonly ulong _sharedPending;
    private readonly ulong _groupFlags;
    private readonly ulong _groupExitCode;
    private readonly ulong _groupStopCount;

    public TaskSwitches(GuestKernel kernel)
    {
        BtfTypes types = kernel.Types;
        _signalPending = SignalPendingFlag.Of(kernel);
        // __state since 2f064a59a11f, v5.14; before it a long, whose upper half is 0.
        _state = Offset(types, "task_struct", types.TryGetMember(types.Find("task_struct"), "__state", out _) ? "__state" : "state");
        _jobctl = Offset(types, "task_struct", "jobctl");
        _threadFlags = Offset(types, "task_struct", "thread_info.flags");
        _pending = Offset(types, "task_struct", "pending.signal");
        _sharedPending = Offset(types, "signal_struct", "shared_pending.signal");
        _groupFlags = Offset(types, "signal_struct", "flags");
        _groupExitCode = Offset(types, "signal_struct", "group_exit_code");
        _groupStopCount = Offset(types, "signal_struct", "group_stop_count");
    }

    public static bool IsAskedToFreeze(TaskStruct task) => (task.Jobctl & TrapFreeze) != 0;

    /// <summary>A task that was asked in the middle of a fork can hand one half of the request on to its child.</summary>
    public bool WillNotice(TaskStruct task) => task.Frozen || (task.ThreadInfoFlags & _signalPending) != 0;

    public void AskToFreeze(KernelWriter kernel, TaskStruct task)
    {
        kernel.SetBits(task.Address + _jobctl, TrapFreeze);
        kernel.SetBits(task.Address + _threadFlags, _signalPending);
    }

    /// <summary>The task leaves the freezer when it next wakes, and sets the counters of its cgroup right itself.</summary>
    public void AskToThaw(KernelWriter kernel, TaskStruct task) => kernel.ClearBits(task.Address + _jobctl, TrapFreeze);

    /// <summary>
    /// The whole process dies of SIGKILL as soon as its threads wake: get_signal looks at SIGNAL_GROUP_EXIT before it looks
    /// at the freezer, leaves the freezer and exits.
    /// </summary>
    public void AskToDie(KernelWriter kernel, TaskStruct task)
    {
        if ((kernel.Kernel.AddressSpace.Read<uint>(task.Signal.Address + _groupFlags) & GroupExit) == 0)
        {
            kernel.Write(task.Signal.Address + _groupFlags, GroupExit);
            kernel.Write(task.Signal.Address + _groupExitCode, SigKill);
            kernel.Write(task.Signal.Address + _groupStopCount, 0);
        }
        kernel.SetBits(task.Address + _pending, 1UL << (SigKill - 1));
        kernel.SetBits(task.Address + _threadFlags, _signalPending);
        if (task.IsStoppedBySignal) MakeWakeable(kernel, task);
    }

    /// <summary>
    /// A signal for a whole process, without a siginfo: as the kernel itself leaves it where the sender's queue is full. It is taken as
    /// one of kill(2) by pid 0.
    /// </summary>
    public void AddSignal(KernelWriter kernel, TaskStruct process, int signal) => kernel.SetBits(process.Signal.Address + _sharedPending, 1UL << (signal - 1));

    /// <summary>The thread looks for signals on its way back to its program.</summary>
    public void MakeLook(KernelWriter kernel, TaskStruct thread) => kernel.SetBits(thread.Address + _threadFlags, _signalPending);

    public bool WillLook(TaskStruct thread) => (thread.ThreadInfoFlags & _signalPending) != 0;

    /// <summary>
    /// A stopped task is woken by a kind of wake-up that process_timeout does not give. Asleep like others it takes that one too:
    /// do_signal_stop asks nothing when its sleep is over, and get_signal finds the end of the process before all else.
    /// </summary>
    private void MakeWakeable(KernelWriter kernel, TaskStruct task)
    {
        kernel.ClearBits(task.Address + _jobctl, Stopped);
        kernel.Write(task.Address + _state, TaskStates.Interruptible);
    }

    private static ulong Offset(BtfTypes types, string structure, string member) => (ulong)types.Member(structure, member).ByteOffset;
}
