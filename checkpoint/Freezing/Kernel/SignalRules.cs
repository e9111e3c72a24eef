using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>What the kernel does with a signal that one process of the guest's first pid namespace sends another (kernel/signal.c).</summary>
internal static class SignalRules
{
    public const int Last = 64; // _NSIG

    private const int Kill = 9, Chld = 17, Cont = 18, Stop = 19, Ttou = 22, Urg = 23, Winch = 28;
    private const ulong Default = 0, Ignore = 1; // SIG_DFL, SIG_IGN
    private const uint Unkillable = 0x40; // SIGNAL_UNKILLABLE, include/linux/sched/signal.h

    public static ulong MaskOf(int signal) => 1UL << (signal - 1);

    /// <summary>Those that start and stop a process: they change each other's queues and wake what nothing else wakes.</summary>
    public static bool IsJobControl(int signal) => signal is >= Cont and <= Ttou;

    /// <summary>It ends a process whatever that thinks of it.</summary>
    public static bool IsKill(int signal) => signal == Kill;

    /// <summary>sig_ignored: nobody will ever see it. The first process of a pid namespace gets nothing that it has no handler for.</summary>
    public static bool IsIgnored(TaskStruct leader, int signal)
    {
        if (((leader.Blocked | leader.RealBlocked) & MaskOf(signal)) != 0 || leader.Ptrace != 0) return false;
        ulong handler = leader.Sighand.Value.Action[signal - 1].Handler;
        return handler == Ignore || (handler == Default && ((leader.Signal.Value.Flags & Unkillable) != 0 || signal is Chld or Urg or Winch));
    }

    /// <summary>wants_signal: the thread would take it.</summary>
    public static bool IsOpenTo(this TaskStruct thread, int signal) =>
        (thread.Blocked & MaskOf(signal)) == 0 && !thread.IsExiting && !thread.IsStoppedBySignal && !thread.IsStoppedByTracer;
}
