using Watari.Introspection.Containers;

namespace Watari.Containers;

/// <summary>
/// What a runtime has written down of one of its containers. Texts are as the guest has them: <see cref="ShownText"/> before a person sees
/// them. What its runtime does not keep, or could not be read, is null or empty.
/// </summary>
public sealed record ContainerRecord
{
    public required ContainerId Id { get; init; }

    /// <summary>Who keeps the record.</summary>
    public required ContainerRuntime Runtime { get; init; }

    /// <summary>The first is its own.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>As the runtime shows it: the name that it was made by, or where that now leads elsewhere, the image's id.</summary>
    public string? Image { get; init; }

    /// <summary>Docker: sha256:HEX; podman: HEX.</summary>
    public string? ImageId { get; init; }

    /// <summary>The program with its arguments; of podman without the image's entry point.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Null where the runtime knows of none, which podman shows so.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public DateTimeOffset? Created { get; init; }

    /// <summary>As it was written: whether a process of it lives is for <see cref="FoundContainer"/> to say.</summary>
    public ContainerState State { get; init; }

    /// <summary>Of its last run; 0 before the first.</summary>
    public int ExitCode { get; init; }

    /// <summary>Null before the first start.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>Null while it runs for the first time.</summary>
    public DateTimeOffset? Finished { get; init; }

    /// <summary>healthy, unhealthy, starting; null without a check.</summary>
    public string? Health { get; init; }

    public RestartPolicy RestartPolicy { get; init; }

    /// <summary>How often the policy has started it again.</summary>
    public int RestartCount { get; init; }

    /// <summary>It is removed when it ends.</summary>
    public bool IsAutoRemoved { get; init; }

    /// <summary>What a person or the image has mounted in it, volumes and directories.</summary>
    public IReadOnlyList<ContainerMount> Mounts { get; init; } = [];

    /// <summary>By name; what they give to it is not read.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    public IReadOnlyList<ContainerPort> Ports { get; init; } = [];

    /// <summary>In the guest; null where the runtime keeps no log in a file.</summary>
    public string? LogPath { get; init; }

    /// <summary>json-file, local, k8s-file, journald …</summary>
    public string? LogDriver { get; init; }

    /// <summary>In the guest's first pid namespace; null while it does not run.</summary>
    public int? RootPid { get; init; }

    /// <summary>Null where its root is no overlay, or its layers cannot be found.</summary>
    public OverlayDirectories? Overlay { get; init; }

    /// <summary>Null unless it was asked for, or where it is not known.</summary>
    public ContainerSize? Size { get; init; }

    /// <summary>Where its root or its bundle lies, as runc was told; null where it was not read.</summary>
    public string? Bundle { get; init; }

    /// <summary>The program that runs it: runc, crun, io.containerd.runc.v2.</summary>
    public string? OciRuntime { get; init; }

    /// <summary>Podman's: the id of the pod that it belongs to.</summary>
    public string? Pod { get; init; }

    /// <summary>Podman's: it only holds a pod's namespaces.</summary>
    public bool IsInfra { get; init; }

    /// <summary>What of it could not be read, and why.</summary>
    public IReadOnlyList<UnreadableFile> Unreadable { get; init; } = [];
}

/// <summary>When a runtime starts a container again by itself.</summary>
/// <param name="Name">no, always, on-failure, unless-stopped; null where it was not said, which is no.</param>
/// <param name="MaximumRetryCount">For on-failure; 0 is without end.</param>
public readonly record struct RestartPolicy(string? Name, int MaximumRetryCount)
{
    /// <summary>The runtime starts the container again where it was not the runtime that ended it.</summary>
    public bool Restarts => Name is { Length: > 0 } and not "no";
}

/// <summary>Something of the guest that is seen in a container.</summary>
/// <param name="Type">bind, volume, tmpfs …</param>
/// <param name="Name">Of a volume; else null.</param>
/// <param name="Source">In the guest.</param>
/// <param name="Destination">In the container.</param>
/// <param name="Driver">Of a volume; else null.</param>
public sealed record ContainerMount(string Type, string? Name, string? Source, string Destination, string? Driver, bool IsReadOnly);

/// <summary>A port of a container, or several that follow one another, and where the guest publishes them.</summary>
/// <param name="HostAddress">Null where it is not published; empty is any.</param>
/// <param name="HostPort">The first; 0 where it is not published.</param>
/// <param name="Protocol">tcp, udp, sctp.</param>
/// <param name="Count">How many.</param>
public sealed record ContainerPort(string? HostAddress, ushort HostPort, ushort Port, string Protocol, int Count = 1);

/// <summary>What a container's root takes on the disk, in bytes, as docker ps -s has it.</summary>
/// <param name="Written">What the container has changed.</param>
/// <param name="Root">That, and the layers of its image.</param>
public readonly record struct ContainerSize(long Written, long Root);

/// <summary>The directories of the guest of which an overlay makes a container's root.</summary>
/// <param name="Lower">The image's, the topmost first.</param>
/// <param name="Upper">What the container has changed.</param>
/// <param name="Work">The overlay's own.</param>
/// <param name="Merged">Where it is mounted while the container runs.</param>
public sealed record OverlayDirectories(IReadOnlyList<string> Lower, string Upper, string Work, string Merged);

/// <summary>A file of the guest that could not be read as what it should be.</summary>
public readonly record struct UnreadableFile(string Path, string Reason);
