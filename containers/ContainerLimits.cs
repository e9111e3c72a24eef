namespace Watari.Containers;

/// <summary>Bounds on what is read of a guest's container runtimes: a guest owns every byte of it.</summary>
public sealed record ContainerLimits
{
    public static ContainerLimits Default { get; } = new();

    /// <summary>Containers of one store; what is beyond them is not read, and that is told.</summary>
    public int Containers { get; init; } = 1 << 12;

    /// <summary>Bytes of one JSON file (a config.v2.json has 3 to 10 KB).</summary>
    public int FileBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of one database, with what is not yet written into it (podman's has some hundred KB, containerd's a few MB).</summary>
    public int DatabaseBytes { get; init; } = 64 << 20;

    /// <summary>Bytes of all files that one look at a guest's stores reads.</summary>
    public long TotalBytes { get; init; } = 512L << 20;

    /// <summary>How long one look at a guest's stores may read, with all times that it is taken again: each step of it is bounded, and a guest can make all of them long.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Layers of one container's root (overlay takes no more than 500 lower directories).</summary>
    public int Layers { get; init; } = 500;

    /// <summary>Files that one container has written, where its size is measured.</summary>
    public long TreeEntries { get; init; } = 1 << 20;

    /// <summary>How often a file that is being written is read, the first time included.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>Steps of SQLite's machine for one query: a hostile database can make any of them endless.</summary>
    public int SqlSteps { get; init; } = 50_000_000;
}
