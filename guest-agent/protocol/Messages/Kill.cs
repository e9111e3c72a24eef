namespace Watari.GuestAgent.Protocol;

/// <summary>Sends a process a signal by kill(2), if it is in the cgroup that it is said to be in.</summary>
public sealed record KillRequest : JobRequest
{
    /// <summary>The cgroup below /sys/fs/cgroup, as "/redis": the process is in it or below it.</summary>
    public required string Cgroup { get; init; }

    public required GuestPid Process { get; init; }

    /// <summary>1 to 64.</summary>
    public required int Signal { get; init; }
}

public sealed record KillResult;
