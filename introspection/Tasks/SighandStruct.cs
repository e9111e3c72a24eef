using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>What a process does on each signal (include/linux/sched/signal.h).</summary>
[KernelStruct("sighand_struct")]
public readonly partial record struct SighandStruct
{
    /// <summary>By signal number minus one.</summary>
    [Field] public partial KernelStructArray<KSigaction> Action { get; }

    /// <summary>The spinlock's first word; not 0 while somebody holds it.</summary>
    [Field] public partial uint Siglock { get; }

    /// <summary>Those that wait for its signals through a signalfd.</summary>
    [Embedded("signalfd_wqh.head")] public partial ListHead SignalfdWaiters { get; }
}

/// <summary>include/linux/signal_types.h.</summary>
[KernelStruct("k_sigaction")]
public readonly partial record struct KSigaction
{
    /// <summary>The handler's address in the process; 0 is SIG_DFL, 1 is SIG_IGN.</summary>
    [Field("sa.sa_handler")] public partial ulong Handler { get; }

    [Field("sa.sa_flags")] public partial ulong Flags { get; }

    [Field("sa.sa_restorer")] public partial ulong Restorer { get; }

    [Field("sa.sa_mask")] public partial ulong Mask { get; }
}

/// <summary>Signals that wait to be taken (include/linux/signal_types.h).</summary>
[KernelStruct("sigpending")]
public readonly partial record struct SigPending
{
    [Embedded] public partial ListHead List { get; }

    /// <summary>One bit a signal, signal 1 at bit 0. A signal may be set here without an entry in the list.</summary>
    [Field] public partial ulong Signal { get; }

    /// <summary>The signals that came with a siginfo, in their order.</summary>
    public ListEntries<SigQueue> Queue => List.Entries<SigQueue>(static entry => entry.List);
}

[KernelStruct("sigqueue")]
public readonly partial record struct SigQueue
{
    [Embedded] public partial ListHead List { get; }

    /// <summary>kernel_siginfo: the start of the siginfo_t that user space sees.</summary>
    [Embedded] public partial KernelSigInfo Info { get; }
}

/// <summary>The kernel's part of a siginfo_t (include/linux/signal_types.h).</summary>
[KernelStruct("kernel_siginfo", "siginfo")]
public readonly partial record struct KernelSigInfo
{
    [Field] public partial int SiSigno { get; }

    /// <summary>Copies its bytes; the rest of a siginfo_t of 128 is zero.</summary>
    public void CopyTo(Span<byte> destination) =>
        Kernel.Copy(Address, destination[..Math.Min(destination.Length, Kernel.SizeOf<KernelSigInfo>())], "kernel_siginfo");
}
