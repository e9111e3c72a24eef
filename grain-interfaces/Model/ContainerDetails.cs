namespace Watari.GrainInterfaces.Model;

/// <summary>
/// What a container's runtime has written of it. Texts are as the guest has them, and may hold anything; what its runtime does not keep is
/// null or empty.
/// </summary>
/// <param name="Names">The first is its own.</param>
/// <param name="Image">As the runtime shows it: a name, or where that leads elsewhere now, an id.</param>
/// <param name="ImageId">Docker: sha256:HEX; podman: HEX.</param>
/// <param name="Command">The program with its arguments.</param>
/// <param name="ExitCode">Of its last run; 0 before the first.</param>
/// <param name="Started">Null before the first start.</param>
/// <param name="Finished">Null while it runs for the first time.</param>
/// <param name="Health">healthy, unhealthy, starting; null without a check.</param>
/// <param name="RestartPolicy">no, always, on-failure, unless-stopped; null where it was not said.</param>
/// <param name="MaximumRetryCount">Of on-failure; 0 is without end.</param>
/// <param name="RestartCount">How often the policy has started it again.</param>
/// <param name="IsAutoRemoved">It is removed when it ends.</param>
/// <param name="LogPath">In the guest; null where it keeps no log in a file.</param>
/// <param name="Overlay">Null where its root is no overlay, or its layers cannot be found.</param>
/// <param name="Size">Null unless it was asked for.</param>
/// <param name="Bundle">Where its root or its bundle lies, as runc was told.</param>
/// <param name="OciRuntime">The program that runs it: runc, crun.</param>
/// <param name="Pod">Podman's: the id of the pod that it belongs to.</param>
/// <param name="Unreadable">What of it could not be read, and why; a sentence each.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerDetails")]
public sealed record ContainerDetails(
    [property: Id(0)] ImmutableArray<string> Names,
    [property: Id(1)] string? Image,
    [property: Id(2)] string? ImageId,
    [property: Id(3)] ImmutableArray<string> Command,
    [property: Id(4)] ImmutableDictionary<string, string> Labels,
    [property: Id(5)] DateTimeOffset? Created,
    [property: Id(6)] DateTimeOffset? Started,
    [property: Id(7)] DateTimeOffset? Finished,
    [property: Id(8)] int ExitCode,
    [property: Id(9)] string? Health,
    [property: Id(10)] string? RestartPolicy,
    [property: Id(11)] int MaximumRetryCount,
    [property: Id(12)] int RestartCount,
    [property: Id(13)] bool IsAutoRemoved,
    [property: Id(14)] ImmutableArray<MountDescription> Mounts,
    [property: Id(15)] ImmutableArray<string> Networks,
    [property: Id(16)] ImmutableArray<PortDescription> Ports,
    [property: Id(17)] string? LogPath,
    [property: Id(18)] string? LogDriver,
    [property: Id(19)] OverlayDescription? Overlay,
    [property: Id(20)] SizeDescription? Size,
    [property: Id(21)] string? Bundle,
    [property: Id(22)] string? OciRuntime,
    [property: Id(23)] string? Pod,
    [property: Id(24)] ImmutableArray<string> Unreadable);

/// <summary>Something of the guest that is seen in a container.</summary>
/// <param name="Type">bind, volume, tmpfs …</param>
/// <param name="Name">Of a volume; else null.</param>
/// <param name="Source">In the guest.</param>
/// <param name="Destination">In the container.</param>
/// <param name="Driver">Of a volume; else null.</param>
[GenerateSerializer, Immutable, Alias("watari.MountDescription")]
public sealed record MountDescription(
    [property: Id(0)] string Type,
    [property: Id(1)] string? Name,
    [property: Id(2)] string? Source,
    [property: Id(3)] string Destination,
    [property: Id(4)] string? Driver,
    [property: Id(5)] bool IsReadOnly);

/// <summary>A port of a container, or several that follow one another, and where the guest publishes them.</summary>
/// <param name="HostAddress">Null where it is not published; empty is any.</param>
/// <param name="HostPort">The first; 0 where it is not published.</param>
/// <param name="Protocol">tcp, udp, sctp.</param>
/// <param name="Count">How many.</param>
[GenerateSerializer, Immutable, Alias("watari.PortDescription")]
public sealed record PortDescription(
    [property: Id(0)] string? HostAddress,
    [property: Id(1)] int HostPort,
    [property: Id(2)] int Port,
    [property: Id(3)] string Protocol,
    [property: Id(4)] int Count);

/// <summary>The directories of the guest of which an overlay makes a container's root.</summary>
/// <param name="Lower">The image's, the topmost first.</param>
/// <param name="Upper">What the container has changed.</param>
[GenerateSerializer, Immutable, Alias("watari.OverlayDescription")]
public sealed record OverlayDescription(
    [property: Id(0)] ImmutableArray<string> Lower,
    [property: Id(1)] string Upper,
    [property: Id(2)] string Work,
    [property: Id(3)] string Merged);

/// <summary>What a container's root takes on the disk, in bytes.</summary>
/// <param name="Written">What the container has changed.</param>
/// <param name="Root">That, and the layers of its image.</param>
[GenerateSerializer, Immutable, Alias("watari.SizeDescription")]
public readonly record struct SizeDescription([property: Id(0)] long Written, [property: Id(1)] long Root);

/// <summary>An image that a runtime of a VM has.</summary>
/// <param name="Runtime"><c>docker</c>, <c>podman</c>.</param>
/// <param name="Repository">Null of an image that no name leads to.</param>
/// <param name="Tag">Null where it has none.</param>
/// <param name="Id">Docker: sha256:HEX; podman: HEX.</param>
/// <param name="Size">Bytes of its layers; null where they cannot be told.</param>
[GenerateSerializer, Immutable, Alias("watari.ImageDescription")]
public sealed record ImageDescription(
    [property: Id(0)] VmId Vm,
    [property: Id(1)] string Runtime,
    [property: Id(2)] string? Repository,
    [property: Id(3)] string? Tag,
    [property: Id(4)] string Id,
    [property: Id(5)] DateTimeOffset? Created,
    [property: Id(6)] long? Size);
