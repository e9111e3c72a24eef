using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>What the threads of a process share (include/linux/sched/signal.h).</summary>
[KernelStruct("signal_struct")]
public readonly partial record struct SignalStruct
{
    [Embedded] public partial ListHead ThreadHead { get; }

    [Field] public partial int NrThreads { get; }

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
