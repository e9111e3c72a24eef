using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>The kernel's struct sigaction: handler (0 SIG_DFL, 1 SIG_IGN), SA_… flags, restorer, mask (bit n: signal n+1).</summary>
public readonly record struct SignalAction(ulong Handler, ulong Flags, ulong Restorer, ulong Mask);

/// <summary>A signal that waits, with the 128 bytes of its siginfo_t.</summary>
public sealed record PendingSignal(ReadOnlyMemory<byte> Siginfo)
{
    public const int SiginfoSize = 128;
}

/// <summary>sigaltstack(2).</summary>
public readonly record struct AlternateStack(ulong Pointer, ulong Size, uint Flags)
{
    private const uint SsDisable = 2;

    public static AlternateStack Disabled => new(0, 0, SsDisable);
}

/// <summary>setitimer(2) and timer_create(2).</summary>
public sealed record ProcessTimers(
    TimerSetting Real,
    TimerSetting Virtual,
    TimerSetting Profiling,
    ImmutableArray<PosixTimer> Posix)
{
    public static ProcessTimers None { get; } = new(default, default, default, []);
}

/// <summary>A timer of timer_create(2).</summary>
public sealed record PosixTimer
{
    public required uint Id { get; init; }
    public required uint ClockId { get; init; }
    public required uint Signal { get; init; }

    /// <summary>SIGEV_… (asm-generic/siginfo.h).</summary>
    public required uint Notify { get; init; }
    public ulong SignalValue { get; init; }
    public uint Overrun { get; init; }

    /// <summary>The thread of SIGEV_THREAD_ID.</summary>
    public int? NotifyThread { get; init; }
    public TimerSetting Setting { get; init; }
}
