using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Restores the job's image set: the container with <c>runc restore</c> or <c>podman container restore</c>
/// where the job was prepared with one, else the plain process tree with criu. It returns with all processes there and frozen
/// before their first user instruction. A repetition of the same step answers with the first result.
/// Whether the images hold all pages or only the skeleton's is theirs to say; the agent does the same.
/// </summary>
public sealed record RestoreRequest : JobRequest
{
    public required RestoreOptions Options { get; init; }
}

/// <summary>What CRIU is told besides the image set.</summary>
public sealed record RestoreOptions
{
    /// <summary>Established TCP connections are restored.</summary>
    public bool TcpEstablished { get; init; }

    /// <summary>Unix sockets with a peer outside the image set are restored.</summary>
    public bool ExternalUnixSockets { get; init; }

    /// <summary>File locks are restored.</summary>
    public bool FileLocks { get; init; }

    /// <summary>How CRIU treats the cgroups of the images. A plain tree stays in the cgroup that the agent makes for it.</summary>
    public ManageCgroups ManageCgroups { get; init; } = ManageCgroups.Soft;
}

/// <summary>criu's --manage-cgroups modes that runc knows.</summary>
[JsonConverter(typeof(KebabCaseEnum<ManageCgroups>))]
public enum ManageCgroups
{
    Soft,
    Full,
    Strict,
    Ignore,
}

/// <summary>The restored, frozen tree.</summary>
public sealed record RestoreResult
{
    /// <summary>The first process of the tree.</summary>
    public required GuestPid Init { get; init; }

    /// <summary>All processes (not threads), first process first.</summary>
    public required IReadOnlyList<ProcessPids> Processes { get; init; }

    /// <summary>The cgroup below /sys/fs/cgroup in which they are frozen, as "/redis".</summary>
    public required string Cgroup { get; init; }

    public required RestoreTimings Timings { get; init; }
}

/// <summary>Where the time of a restore went. Milliseconds by the guest's monotonic clock.</summary>
public sealed record RestoreTimings
{
    /// <summary>From the agent's start of runc or criu to its end.</summary>
    public required double Total { get; init; }

    /// <summary>Until runc sent criu the order to restore.</summary>
    public required double Runtime { get; init; }

    /// <summary>From there until all tasks were restored and stopped.</summary>
    public required double Criu { get; init; }

    /// <summary>Writing cgroup.freeze until cgroup.events said frozen.</summary>
    public required double Freeze { get; init; }

    /// <summary>CRIU's own forking_time.</summary>
    public required double Forking { get; init; }

    /// <summary>CRIU's own restore_time.</summary>
    public required double Restore { get; init; }

    /// <summary>CRIU's own pages_restored.</summary>
    public required long PagesRestored { get; init; }
}
