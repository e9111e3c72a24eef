using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>A processor's timer (kernel/time/tick-sched.h, include/linux/clockchips.h).</summary>
[KernelStruct("tick_device")]
public readonly partial record struct TickDevice
{
    [Field] public partial Ptr<ClockEventDevice> Evtdev { get; }
}

[KernelStruct("clock_event_device")]
public readonly partial record struct ClockEventDevice
{
    /// <summary>When it will interrupt next, in ns of the monotonic clock; the largest value when not at all.</summary>
    [BitField] public partial long NextEvent { get; }
}
