namespace Watari.GuestAgent.Protocol;

/// <summary>Writes cgroup.freeze and waits for cgroup.events to say frozen.</summary>
public sealed record FreezeRequest : JobRequest
{
    /// <summary>The cgroup below /sys/fs/cgroup, as "/redis"; null for the job's own.</summary>
    public string? Cgroup { get; init; }
}

/// <summary>Clears cgroup.freeze and waits for cgroup.events to agree.</summary>
public sealed record ThawRequest : JobRequest
{
    /// <summary>The cgroup below /sys/fs/cgroup, as "/redis"; null for the job's own.</summary>
    public string? Cgroup { get; init; }
}

/// <param name="Cgroup">The cgroup below /sys/fs/cgroup.</param>
/// <param name="Frozen">What cgroup.events says now.</param>
/// <param name="Milliseconds">From the write until then.</param>
public sealed record FreezerResult(string Cgroup, bool Frozen, double Milliseconds);
