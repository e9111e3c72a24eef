namespace Watari.Introspection.Time;

/// <summary>A high-resolution timer (include/linux/hrtimer_types.h).</summary>
[KernelStruct("hrtimer")]
public readonly partial record struct HrTimer
{
    private const byte Enqueued = 1; // HRTIMER_STATE_ENQUEUED

    /// <summary>When it goes off, in nanoseconds of its clock.</summary>
    [Field("node.expires")] public partial long Expires { get; }

    /// <summary>It will go off.</summary>
    public bool IsActive => IsQueued ?? ((State ?? throw new KernelTypeException("This kernel's hrtimer has neither is_queued nor state.")) & Enqueued) != 0;

    /// <summary>In v7.2; before that a bit of the state.</summary>
    [Field(Optional = true)] private partial bool? IsQueued { get; }

    [Field(Optional = true)] private partial byte? State { get; }

    /// <summary>What the clock shows that it counts by; the monotonic one for a timer that was never set.</summary>
    /// <remarks>A relative timer of the real-time clock counts by the monotonic one (hrtimer_init).</remarks>
    public long Now(GuestClocks clocks) => Base.TryGet(out HrTimerClockBase found) ? clocks.Of(found.Clockid) : clocks.Monotonic;

    [Field] private partial Ptr<HrTimerClockBase> Base { get; }
}

/// <summary>The timers of one clock on one CPU (include/linux/hrtimer_defs.h).</summary>
[KernelStruct("hrtimer_clock_base")]
public readonly partial record struct HrTimerClockBase
{
    /// <summary>CLOCK_*.</summary>
    [Field] public partial int Clockid { get; }
}
