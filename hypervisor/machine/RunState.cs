namespace Watari.Hypervisor;

/// <summary>What a VM is doing: QEMU's RunState (qapi/run-state.json), as far as it matters to us.</summary>
public enum RunState
{
    /// <summary>A state that this list does not hold.</summary>
    Other,

    /// <summary>The guest's processors run.</summary>
    Running,

    /// <summary>Stopped by <c>stop</c>.</summary>
    Paused,

    /// <summary>Started with -S, and no <c>cont</c> yet.</summary>
    Prelaunch,

    /// <summary>Waits for, or receives, a state from another QEMU or a file.</summary>
    InMigrate,

    /// <summary>Its state was sent elsewhere; <c>cont</c> takes it back.</summary>
    PostMigrate,

    /// <summary>Its state is being sent and its processors stand still.</summary>
    FinishMigrate,

    /// <summary>Its kernel panicked and the panic action was to pause.</summary>
    GuestPanicked,

    /// <summary>It powered off and QEMU stays (-no-shutdown).</summary>
    Shutdown,

    /// <summary>Its disk failed.</summary>
    IoError,

    /// <summary>KVM gave it up.</summary>
    InternalError,

    /// <summary>Suspended to RAM by itself.</summary>
    Suspended,
}

internal static class RunStates
{
    internal static RunState Parse(string status) => status switch
    {
        "running" => RunState.Running,
        "paused" => RunState.Paused,
        "prelaunch" => RunState.Prelaunch,
        "inmigrate" => RunState.InMigrate,
        "postmigrate" => RunState.PostMigrate,
        "finish-migrate" => RunState.FinishMigrate,
        "guest-panicked" => RunState.GuestPanicked,
        "shutdown" => RunState.Shutdown,
        "io-error" => RunState.IoError,
        "internal-error" => RunState.InternalError,
        "suspended" => RunState.Suspended,
        _ => RunState.Other,
    };
}
