using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Kills and removes all that the job has made in the guest: a restore that still runs, its
/// container or tree, cgroups, images, work directory. May be repeated; a job of which nothing is
/// there is destroyed already. A running restore of the job is cut short.
/// </summary>
public sealed record DestroyRequest : JobRequest
{
    /// <summary>
    /// Besides, a container that no job holds, as the source's after the commit. One that another
    /// job holds is refused with <see cref="AgentErrorCode.ForeignContainer"/>.
    /// </summary>
    public ContainerId? Container { get; init; }
}

/// <param name="Removed">What was there and is gone now, for people: "container redis", "cgroup /redis", "work directory".</param>
public sealed record DestroyResult(IReadOnlyList<string> Removed);

/// <summary>After the commit: the container or tree is nobody's but its own; the job's images and work directory go.</summary>
public sealed record ReleaseRequest : JobRequest;

/// <param name="Released">The container that stays, if the job had one.</param>
public sealed record ReleaseResult(ContainerId? Released = null);

/// <summary>What exists of the job here? Read from the guest's files and cgroups, not from the agent's memory. Any epoch may ask.</summary>
public sealed record StatusRequest : JobRequest;

/// <summary>What of a job exists in the guest.</summary>
public sealed record JobStatus
{
    public required JobPhase Phase { get; init; }

    /// <summary>The highest epoch that has spoken for the job.</summary>
    public required FencingEpoch Epoch { get; init; }

    public ContainerId? Container { get; init; }

    public string? Cgroup { get; init; }

    /// <summary>The cgroup exists and cgroup.events says frozen.</summary>
    public required bool Frozen { get; init; }

    /// <summary>Processes in the cgroup.</summary>
    public required int Processes { get; init; }

    public required IReadOnlyList<ImageFile> Images { get; init; }
}

/// <param name="Name">The file's name.</param>
/// <param name="Length">Bytes.</param>
public sealed record ImageFile(ImageName Name, long Length);

/// <summary>How far a job has come in this guest.</summary>
[JsonConverter(typeof(KebabCaseEnum<JobPhase>))]
public enum JobPhase
{
    /// <summary>Nothing of it is here.</summary>
    Absent,

    /// <summary>Work directory there, perhaps images.</summary>
    Prepared,

    /// <summary>A restore is running.</summary>
    Restoring,

    /// <summary>The processes are there.</summary>
    Restored,

    /// <summary>A restore failed or was cut short; destroy it.</summary>
    Broken,
}
