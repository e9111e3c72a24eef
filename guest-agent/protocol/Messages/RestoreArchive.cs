namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Has podman restore the job's container out of the checkpoint archive that was put here, which has all of it, memory too:
/// <c>podman container restore --import</c>. It returns when the container runs. A repetition of the same step answers with the first
/// result. Where it fails, nothing that podman has made of it is left.
/// </summary>
public sealed record RestoreArchiveRequest : JobRequest
{
    public required RestoreArchiveOptions Options { get; init; }
}

/// <summary>What podman is told besides the archive.</summary>
public sealed record RestoreArchiveOptions
{
    /// <summary>The archive does not bring its volumes: podman takes those that are there, and makes the others empty.</summary>
    public bool IgnoreVolumes { get; init; }

    /// <summary>It has established TCP connections.</summary>
    public bool TcpEstablished { get; init; }

    /// <summary>It holds file locks.</summary>
    public bool FileLocks { get; init; }
}

/// <param name="Container">The id of the container that runs now.</param>
public sealed record RestoreArchiveResult(ContainerId Container);
