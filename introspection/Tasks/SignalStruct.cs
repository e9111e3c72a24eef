using Watari.Introspection.Time;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>What the threads of a process share (include/linux/sched/signal.h).</summary>
[KernelStruct("signal_struct")]
public readonly partial record struct SignalStruct
{
    [Embedded] public partial ListHead ThreadHead { get; }

    [Field] public partial int NrThreads { get; }

    /// <summary>Signals for the process as a whole.</summary>
    [Embedded] public partial SigPending SharedPending { get; }

    /// <summary>SIGNAL_* (include/linux/sched/signal.h).</summary>
    [Field] public partial uint Flags { get; }

    [BitField] public partial bool IsChildSubreaper { get; }

    [Field] public partial short OomScoreAdj { get; }

    /// <summary>Soft and hard limits by RLIMIT_*.</summary>
    [Field] public partial KernelStructArray<Rlimit> Rlim { get; }

    /// <summary>setitimer(ITIMER_REAL), and its interval in nanoseconds.</summary>
    [Embedded] public partial HrTimer RealTimer { get; }

    [Field] public partial long ItRealIncr { get; }

    /// <summary>setitimer: ITIMER_PROF 0 and ITIMER_VIRTUAL 1 (CPUCLOCK_PROF, CPUCLOCK_VIRT).</summary>
    [Field] public partial KernelStructArray<CpuItimer> It { get; }

    /// <summary>POSIX timers (timer_create): an hlist since v6.12, a list before.</summary>
    [Embedded("posix_timers", Optional = true)] public partial HlistHead? PosixTimersHlist { get; }

    [Embedded("posix_timers", Optional = true)] public partial ListHead? PosixTimersList { get; }

    /// <summary>struct tty_struct *; null without a controlling terminal.</summary>
    [Field] public partial GuestVirtualAddress Tty { get; }

    /// <summary>CPU time of threads that have ended, in nanoseconds, as the scheduler measured it.</summary>
    [Field] public partial ulong SumSchedRuntime { get; }

    /// <summary>struct pid * by kind: PIDTYPE_PID 0, TGID 1, PGID 2, SID 3.</summary>
    [Field] public partial KernelArray<ulong> Pids { get; }

    public PidStruct Pid(PidType type) => PidStruct.At(Kernel, new GuestVirtualAddress(Pids[(int)type]));
}

/// <summary>include/linux/pid_types.h.</summary>
public enum PidType
{
    Pid = 0,
    Tgid = 1,
    Pgid = 2,
    Sid = 3,
}

/// <summary>include/uapi/linux/resource.h; all ones is no limit.</summary>
[KernelStruct("rlimit")]
public readonly partial record struct Rlimit
{
    [Field("rlim_cur")] public partial ulong Current { get; }

    [Field("rlim_max")] public partial ulong Maximum { get; }
}
