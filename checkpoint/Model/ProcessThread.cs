using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>A thread (task_struct): what it does not share with the others of its process.</summary>
public sealed record ProcessThread
{
    public required int Tid { get; init; }
    public required string Comm { get; init; }

    /// <summary>As user space would see them on its next instruction: an interrupted system call's restart is already applied.</summary>
    public required X86Registers Registers { get; init; }
    public required X86FpuState Fpu { get; init; }

    /// <summary>The thread's own slots of the GDT (set_thread_area(2)): none, or three.</summary>
    public ImmutableArray<TlsDescriptor> Tls { get; init; } = [];

    /// <summary>Bit n: signal n+1.</summary>
    public ulong BlockedSignals { get; init; }
    public ImmutableArray<PendingSignal> PendingSignals { get; init; } = [];
    public AlternateStack AlternateStack { get; init; } = AlternateStack.Disabled;
    public ulong ClearChildTid { get; init; }

    /// <summary>Head of the robust futex list; 0: none.</summary>
    public ulong RobustList { get; init; }
    public RestartableSequence? Rseq { get; init; }
    public required Credentials Credentials { get; init; }
    public Scheduling Scheduling { get; init; }

    /// <summary>PR_SET_PDEATHSIG; 0: none.</summary>
    public uint ParentDeathSignal { get; init; }
    public SeccompMode SeccompMode { get; init; }

    /// <summary>The newest filter, where the mode is <see cref="SeccompMode.Filter"/>.</summary>
    public SeccompFilterId? SeccompFilter { get; init; }
    public CgroupSetId? CgroupSet { get; init; }
}

/// <summary>struct user_regs_struct (asm/user_64.h).</summary>
public readonly record struct X86Registers
{
    public ulong R15 { get; init; }
    public ulong R14 { get; init; }
    public ulong R13 { get; init; }
    public ulong R12 { get; init; }
    public ulong Bp { get; init; }
    public ulong Bx { get; init; }
    public ulong R11 { get; init; }
    public ulong R10 { get; init; }
    public ulong R9 { get; init; }
    public ulong R8 { get; init; }
    public ulong Ax { get; init; }
    public ulong Cx { get; init; }
    public ulong Dx { get; init; }
    public ulong Si { get; init; }
    public ulong Di { get; init; }
    public ulong OrigAx { get; init; }
    public ulong Ip { get; init; }
    public ulong Cs { get; init; }
    public ulong Flags { get; init; }
    public ulong Sp { get; init; }
    public ulong Ss { get; init; }
    public ulong FsBase { get; init; }
    public ulong GsBase { get; init; }
    public ulong Ds { get; init; }
    public ulong Es { get; init; }
    public ulong Fs { get; init; }
    public ulong Gs { get; init; }
}

/// <summary>State components of XSAVE beyond x87 and SSE, by their number (asm/fpu/types.h).</summary>
public enum XFeature
{
    Ymm = 2,
    BoundRegisters = 3,
    BoundControl = 4,
    Opmask = 5,
    ZmmHi256 = 6,
    Hi16Zmm = 7,
    Pkru = 9,
}

/// <summary>Floating-point and vector state.</summary>
/// <param name="Fxsave">The 512 bytes of FXSAVE, in their initial state where <paramref name="XstateBv"/> says so.</param>
/// <param name="XstateBv">The components that are not in their initial state.</param>
/// <param name="Components">The others, each as XSAVE's standard format has it; what is missing is in its initial state.</param>
public sealed record X86FpuState(
    ReadOnlyMemory<byte> Fxsave,
    ulong XstateBv,
    ImmutableSortedDictionary<XFeature, ReadOnlyMemory<byte>> Components)
{
    public const int FxsaveSize = 512;
}

/// <summary>struct user_desc (asm/ldt.h).</summary>
public sealed record TlsDescriptor
{
    public required uint EntryNumber { get; init; }
    public uint BaseAddress { get; init; }
    public uint Limit { get; init; }
    public bool Seg32Bit { get; init; }
    public bool ContentsHigh { get; init; }
    public bool ContentsLow { get; init; }
    public bool ReadExecOnly { get; init; }
    public bool LimitInPages { get; init; }
    public bool SegNotPresent { get; init; }
    public bool Usable { get; init; }
}

/// <summary>rseq(2): where it was registered, and the critical section that was active (rseq_cs; 0: none).</summary>
public sealed record RestartableSequence(ulong Address, uint Size, uint Signature, ulong CriticalSection);

/// <summary>sched_setscheduler(2) and nice(2): SCHED_… (linux/sched.h), the nice value, and sched_priority of the real-time policies, else 0.</summary>
public readonly record struct Scheduling(uint Policy, int Nice, uint Priority);
