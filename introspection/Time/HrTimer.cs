namespace Watari.Introspection.Time;

/// <summary>A high-resolution timer (include/linux/hrtimer_types.h).</summary>
[KernelStruct("hrtimer")]
public readonly partial record struct HrTimer
{
    private const byte Enqueued = 1; // HRTIMER_STATE_ENQUEUED

    /// <summary>When it goes off, in nanoseconds of its clock.</summary>
    [Field("node.expires")] public partial long Expires { get; }

    [Field] public partial byte State { get; }

    public bool IsActive => (State & Enqueued) != 0;
}
