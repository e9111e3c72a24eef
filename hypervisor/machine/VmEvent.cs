namespace Watari.Hypervisor;

/// <summary>What can befall a VM while Watari looks at it.</summary>
public enum VmEventKind
{
    /// <summary>Its processors were stopped, by us or by another (QMP STOP).</summary>
    Stopped,

    /// <summary>They run again (RESUME).</summary>
    Resumed,

    /// <summary>Its kernel panicked (GUEST_PANICKED, GUEST_CRASHLOADED): what is read from now on is a dead kernel's.</summary>
    Panicked,

    /// <summary>It starts over (RESET): every address learnt of its kernel is void.</summary>
    Reset,

    /// <summary>It powers off (SHUTDOWN).</summary>
    ShuttingDown,

    /// <summary>QEMU ended, or the connection to it.</summary>
    Gone,
}

/// <param name="Kind">What happened.</param>
/// <param name="Time">When, by QEMU's clock; for <see cref="VmEventKind.Gone"/>, when we noticed.</param>
public readonly record struct VmEvent(VmEventKind Kind, DateTimeOffset Time)
{
    internal static VmEvent? From(QmpEvent happened) => happened.Name switch
    {
        "STOP" => new(VmEventKind.Stopped, happened.Time),
        "RESUME" => new(VmEventKind.Resumed, happened.Time),
        "GUEST_PANICKED" or "GUEST_CRASHLOADED" => new(VmEventKind.Panicked, happened.Time),
        "RESET" => new(VmEventKind.Reset, happened.Time),
        "SHUTDOWN" => new(VmEventKind.ShuttingDown, happened.Time),
        _ => null,
    };
}
