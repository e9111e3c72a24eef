namespace Watari.GuestAgent.Protocol;

/// <summary>sync(2): all file systems of the guest are written back.</summary>
public sealed record SyncRequest : JobRequest;

public sealed record SyncResult(double Milliseconds);

/// <summary>Sets the guest's wall clock.</summary>
public sealed record SetClockRequest : JobRequest
{
    /// <summary>Nanoseconds since 1970-01-01 UTC.</summary>
    public required long UnixNanoseconds { get; init; }
}

/// <param name="StepNanoseconds">By how much the clock was set forward (or back, if negative).</param>
public sealed record SetClockResult(long StepNanoseconds);

/// <summary>Sets the interface lo up in a process's network namespace: runc restore leaves it down.</summary>
public sealed record LoopbackUpRequest : JobRequest
{
    /// <summary>A process in the namespace; null for the job's first.</summary>
    public GuestPid? Process { get; init; }
}

/// <param name="WasUp">It was up before.</param>
public sealed record LoopbackUpResult(bool WasUp);
