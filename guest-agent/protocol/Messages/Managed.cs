namespace Watari.GuestAgent.Protocol;

/// <summary>
/// A container of an engine's that is to be made in a guest, or was moved away from it: under its own name, out of its files and an image
/// that is in the guest. Podman gives it the id that it had; Docker gives each container another.
/// </summary>
public sealed record ManagedContainer
{
    /// <summary>Among the images of a container of Docker's: the body of the request by which Docker makes it (Engine API, ContainerCreate).</summary>
    public const string DockerCreation = "docker-create.json";

    /// <summary>Docker or podman.</summary>
    public required ContainerEngine Engine { get; init; }

    /// <summary>The id that it has, or had, where it comes from; null where podman gives it another, for it gets a new name.</summary>
    public ContainerId? Id { get; init; }

    public required ContainerId Name { get; init; }

    /// <summary>The image's id, without which no container is made; null where only the archive knows it.</summary>
    public ImageId? Image { get; init; }

    /// <summary>The name under which the engine looks for the image, and podman pulls it where there is none; null where only the archive knows it, or it has none.</summary>
    public ImageReference? ImageName { get; init; }

    /// <summary>The named volumes that come along: the engine makes them, and none of them may be there.</summary>
    public required IReadOnlyList<ContainerId> Volumes { get; init; }

    /// <summary>Of Docker's: what of the guest's own files it sees (bind mounts), which must be there, for Docker would make empty directories of what is not.</summary>
    public IReadOnlyList<string> Binds { get => field ?? []; init; } = [];

    /// <summary>Of Docker's: who makes its cgroup where it comes from, as <c>docker info</c> has it: <c>systemd</c> or <c>cgroupfs</c>. The images name its cgroup, so here it must be the same.</summary>
    public string? CgroupDriver { get; init; }

    /// <summary>Bytes of its files that come along: they need as much room on the guest's disk, twice for a while.</summary>
    public long FileBytes { get; init; }
}

/// <summary>
/// Could the engine make this container here? No job's command: it changes nothing. Refused with what is missing or in the way: the engine
/// or runc (<see cref="AgentErrorCode.CriuUnusable"/>), the image, room on the disk, its id, its name, a volume, a bind mount's source.
/// </summary>
public sealed record CheckManagedRequest : AgentRequest
{
    public required ManagedContainer Managed { get; init; }
}

/// <summary>It could.</summary>
public sealed record CheckManagedResult;

/// <summary>
/// After the commit, in the guest that the container has left: the engine forgets it, and its volumes go. One that runs again is left as it
/// is, and a volume that another container uses too.
/// </summary>
public sealed record RemoveManagedRequest : JobRequest
{
    public required ManagedContainer Managed { get; init; }
}

/// <param name="Left">What of it is still there, and why, a clause each; empty where nothing is.</param>
public sealed record RemoveManagedResult(IReadOnlyList<string> Left);
