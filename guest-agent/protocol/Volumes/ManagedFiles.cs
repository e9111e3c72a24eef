namespace Watari.GuestAgent.Protocol;

/// <summary>The trees in what comes of a container of Docker's beside its volumes (see <see cref="VolumeChangesWriter"/>).</summary>
public static class ManagedFiles
{
    /// <summary>Changes of its root, which is its image's before.</summary>
    public static ContainerId Root { get; } = ContainerId.Parse("rootfs");

    /// <summary>One file, or none: the container's log.</summary>
    public static ContainerId Log { get; } = ContainerId.Parse("log");
}
