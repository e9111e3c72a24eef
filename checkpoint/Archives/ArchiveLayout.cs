using System.Text.Json;

namespace Watari.Checkpoint.Archives;

/// <summary>The names in a checkpoint archive, as podman, CRI-O and checkpointctl have them (checkpointctl lib/metadata.go).</summary>
public static class ArchiveLayout
{
    /// <summary>JSON of libpod's ContainerConfig; of which checkpointctl reads id, name, image, runtime and times.</summary>
    public const string ConfigDump = "config.dump";

    /// <summary>JSON of the OCI spec that the container runs by.</summary>
    public const string SpecDump = "spec.dump";

    /// <summary>JSON: the addresses that networks have given to the container, by the networks' names.</summary>
    public const string NetworkStatus = "network.status";

    /// <summary>What the saving took, as CRIU writes it.</summary>
    public const string StatsDump = "stats-dump";

    /// <summary>CRIU's images.</summary>
    public const string Images = "checkpoint";

    /// <summary>The image without which a set is none.</summary>
    public const string Inventory = Images + "/inventory.img";

    /// <summary>tar of what the container has in /dev/shm, which its engine mounts for it.</summary>
    public const string DevShm = "devshm-checkpoint.tar";

    /// <summary>What the container has said, as its engine keeps it.</summary>
    public const string Log = "ctr.log";

    /// <summary>tar of the files of the container's root that are not as in its image.</summary>
    public const string RootfsDiff = "rootfs-diff.tar";

    /// <summary>JSON: the paths that the image has and the container has not any more.</summary>
    public const string DeletedFiles = "deleted.files";

    /// <summary>A tar for each named volume.</summary>
    public const string Volumes = "volumes";

    /// <summary>The JSON of <see cref="DeletedFiles"/>.</summary>
    /// <param name="paths">Absolute, in the container.</param>
    public static byte[] DeletedFilesOf(IReadOnlyList<string> paths) => JsonSerializer.SerializeToUtf8Bytes(paths, ArchiveJson.Default.IReadOnlyListString);

    public static string Volume(string name) => $"{Volumes}/{name}.tar";
}
