namespace Watari.Checkpoint.Freezing;

/// <summary>What has become of a signal.</summary>
public enum SignalFate
{
    /// <summary>Its process has it, or will have it when it next runs and does not block it.</summary>
    Sent,

    /// <summary>Its process ignores it, or is the first of its pid namespace and has no handler for it: the kernel drops it.</summary>
    Ignored,
}
