namespace Watari.GrainInterfaces.Model;

/// <summary>What a checkpoint becomes on its host.</summary>
[GenerateSerializer, Alias("watari.CheckpointForm")]
public enum CheckpointForm
{
    /// <summary>A directory of CRIU images.</summary>
    Directory,

    /// <summary>One file with all that podman restores a container from.</summary>
    Archive,
}

/// <summary>How an archive is packed: podman's words.</summary>
[GenerateSerializer, Alias("watari.Compression")]
public enum Compression
{
    None,
    Gzip,
    Zstd,
}

/// <summary>What is saved of a container, and where to.</summary>
/// <param name="Path">Absolute, on the container's host; nothing may be there but an empty directory.</param>
/// <param name="LeaveRunning">True: the container runs on. False: it is killed once all is on disk.</param>
/// <param name="IgnoreRootfs">Of an archive: without the files that the container has changed.</param>
/// <param name="IgnoreVolumes">Of an archive: without its named volumes.</param>
[GenerateSerializer, Immutable, Alias("watari.CheckpointOptions")]
public sealed record CheckpointOptions(
    [property: Id(0)] string Path,
    [property: Id(1)] CheckpointForm Form,
    [property: Id(2)] bool LeaveRunning,
    [property: Id(3)] Compression Compression = Compression.None,
    [property: Id(4)] bool IgnoreRootfs = false,
    [property: Id(5)] bool IgnoreVolumes = false);

/// <summary>What is restored.</summary>
/// <param name="Path">Of the archive: absolute, on the host of the VM.</param>
/// <param name="Name">The container's new name, with which it gets a new id; null: both are the archive's.</param>
/// <param name="IgnoreVolumes">Without what the archive has of its named volumes: the VM's are taken, or empty ones.</param>
[GenerateSerializer, Immutable, Alias("watari.ArchiveRestore")]
public sealed record ArchiveRestore([property: Id(0)] string Path, [property: Id(1)] string? Name = null, [property: Id(2)] bool IgnoreVolumes = false);
