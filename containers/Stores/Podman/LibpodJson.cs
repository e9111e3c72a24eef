using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.Containers.Stores.Podman;

// What is read of podman's database and of the files of containers/storage, by their names (libpod/container_config.go, libpod/container.go);
// anything can be missing.

/// <summary>What a container was made with.</summary>
internal sealed record LibpodConfig(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("name")] string? Name,
    [property: JsonPropertyName("pod")] string? Pod,
    [property: JsonPropertyName("rootfsImageID")] string? RootfsImageId,
    [property: JsonPropertyName("rootfsImageName")] string? RootfsImageName,
    [property: JsonPropertyName("rootfs")] string? Rootfs,
    [property: JsonPropertyName("staticDir")] string? StaticDir,
    [property: JsonPropertyName("ShmDir")] string? ShmDir,
    [property: JsonPropertyName("labels")] IReadOnlyDictionary<string, string>? Labels,
    [property: JsonPropertyName("command")] IReadOnlyList<string>? Command,
    [property: JsonPropertyName("createdTime")] DateTimeOffset? CreatedTime,
    [property: JsonPropertyName("logPath")] string? LogPath,
    [property: JsonPropertyName("logDriver")] string? LogDriver,
    [property: JsonPropertyName("restart_policy")] string? RestartPolicy,
    [property: JsonPropertyName("restart_retries")] long RestartRetries,
    [property: JsonPropertyName("runtime")] string? Runtime,
    [property: JsonPropertyName("pause")] bool IsInfra,
    [property: JsonPropertyName("userVolumes")] IReadOnlyList<string>? UserVolumes,
    [property: JsonPropertyName("namedVolumes")] IReadOnlyList<LibpodNamedVolume?>? NamedVolumes,
    [property: JsonPropertyName("newPortMappings")] IReadOnlyList<LibpodPort?>? PortMappings,
    [property: JsonPropertyName("newNetworks")] IReadOnlyDictionary<string, JsonElement>? Networks,
    [property: JsonPropertyName("spec")] OciSpec? Spec);

internal sealed record LibpodNamedVolume(
    [property: JsonPropertyName("volumeName")] string? Name,
    [property: JsonPropertyName("dest")] string? Destination,
    [property: JsonPropertyName("options")] IReadOnlyList<string>? Options);

internal sealed record LibpodPort(
    [property: JsonPropertyName("host_ip")] string? HostIp,
    [property: JsonPropertyName("host_port")] ushort HostPort,
    [property: JsonPropertyName("container_port")] ushort Port,
    [property: JsonPropertyName("range")] ushort Range,
    [property: JsonPropertyName("protocol")] string? Protocol);

/// <summary>What has become of it.</summary>
internal sealed record LibpodState(
    [property: JsonPropertyName("state")] int State,
    [property: JsonPropertyName("startedTime")] DateTimeOffset? StartedTime,
    [property: JsonPropertyName("finishedTime")] DateTimeOffset? FinishedTime,
    [property: JsonPropertyName("exitCode")] int ExitCode,
    [property: JsonPropertyName("pid")] int Pid,
    [property: JsonPropertyName("restartCount")] int RestartCount,
    [property: JsonPropertyName("networkStatus")] JsonElement? NetworkStatus);

/// <summary>overlay-containers/containers.json.</summary>
internal sealed record StorageContainer(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("names")] IReadOnlyList<string>? Names,
    [property: JsonPropertyName("image")] string? Image,
    [property: JsonPropertyName("layer")] string? Layer,
    [property: JsonPropertyName("created")] DateTimeOffset? Created);

/// <summary>overlay-images/images.json.</summary>
internal sealed record StorageImage(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("names")] IReadOnlyList<string>? Names,
    [property: JsonPropertyName("layer")] string? Layer,
    [property: JsonPropertyName("big-data-sizes")] IReadOnlyDictionary<string, long>? BigDataSizes,
    [property: JsonPropertyName("created")] DateTimeOffset? Created);

/// <summary>overlay-layers/layers.json.</summary>
internal sealed record StorageLayer(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("parent")] string? Parent,
    [property: JsonPropertyName("diff-size")] long? Size);

[JsonSerializable(typeof(LibpodConfig))]
[JsonSerializable(typeof(LibpodState))]
[JsonSerializable(typeof(IReadOnlyList<StorageContainer>))]
[JsonSerializable(typeof(IReadOnlyList<StorageImage>))]
[JsonSerializable(typeof(IReadOnlyList<StorageLayer>))]
internal sealed partial class LibpodJson : JsonSerializerContext;
