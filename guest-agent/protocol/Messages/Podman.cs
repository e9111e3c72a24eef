namespace Watari.GuestAgent.Protocol;

/// <summary>A container of podman's that is to be made in a guest, or was moved away from it: with its own id and name, out of a checkpoint archive and an image that is in the guest.</summary>
public sealed record PodmanContainer
{
    /// <summary>Its id; null where podman gives it another, for it gets a new name.</summary>
    public ContainerId? Id { get; init; }

    public required ContainerId Name { get; init; }

    /// <summary>The image's id, without which podman makes no container; null where only the archive knows it.</summary>
    public ImageId? Image { get; init; }

    /// <summary>The name under which podman looks for the image, and pulls it where there is none; null where only the archive knows it.</summary>
    public ImageReference? ImageName { get; init; }

    /// <summary>The named volumes that come along: podman makes them, and none of them may be there.</summary>
    public required IReadOnlyList<ContainerId> Volumes { get; init; }

    /// <summary>Bytes of its files that come along: they need as much room on the guest's disk, twice for a while.</summary>
    public long FileBytes { get; init; }
}

/// <summary>
/// Could podman make this container here? No job's command: it changes nothing. Refused with what is missing or in the way: podman or
/// runc (<see cref="AgentErrorCode.CriuUnusable"/>), the image, room on the disk, its id, its name, a volume.
/// </summary>
public sealed record CheckPodmanRequest : AgentRequest
{
    public required PodmanContainer Podman { get; init; }
}

/// <summary>It could.</summary>
public sealed record CheckPodmanResult;

/// <summary>
/// After the commit, in the guest that the container has left: podman forgets it, and its volumes go. One that runs again is left as it
/// is, and a volume that another container uses too.
/// </summary>
public sealed record RemovePodmanRequest : JobRequest
{
    public required PodmanContainer Podman { get; init; }
}

/// <param name="Left">What of it is still there, and why, a clause each; empty where nothing is.</param>
public sealed record RemovePodmanResult(IReadOnlyList<string> Left);
