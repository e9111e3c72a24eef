namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Has podman restore a container out of a checkpoint archive that was put among the job's images: <c>podman container restore --import</c>.
/// It returns when the container runs. A repetition of the same step answers with the first result. Where it fails, nothing that podman
/// has made of it is left.
/// </summary>
public sealed record RestoreArchiveRequest : JobRequest
{
    /// <summary>The archive's name among the images.</summary>
    public required ImageName Archive { get; init; }

    /// <summary>The id that the archive's container has.</summary>
    public required ContainerId Container { get; init; }

    public required RestoreArchiveOptions Options { get; init; }
}

/// <summary>What podman is told besides the archive.</summary>
public sealed record RestoreArchiveOptions
{
    /// <summary>A new name, with which it gets a new id; null: both are the archive's.</summary>
    public ContainerId? Name { get; init; }

    /// <summary>The named volumes that the archive brings: podman makes them, and none of them may be there.</summary>
    public required IReadOnlyList<ContainerId> Volumes { get; init; }

    /// <summary>The archive does not bring its volumes: podman takes those that are there, and makes the others empty.</summary>
    public bool IgnoreVolumes { get; init; }

    /// <summary>It has established TCP connections.</summary>
    public bool TcpEstablished { get; init; }

    /// <summary>It holds file locks.</summary>
    public bool FileLocks { get; init; }
}

/// <param name="Container">The id of the container that runs now.</param>
public sealed record RestoreArchiveResult(ContainerId Container);
