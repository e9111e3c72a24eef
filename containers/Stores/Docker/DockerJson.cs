using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.Containers.Stores.Docker;

// What is read of Docker's files, by Docker's names (moby container/container.go, container/state.go); anything can be missing.

/// <summary>containers/ID/config.v2.json.</summary>
internal sealed record DockerContainer(
    string? ID,
    DateTimeOffset? Created,
    string? Path,
    IReadOnlyList<string>? Args,
    DockerContainerConfig? Config,
    DockerState? State,
    string? Image,
    string? Name,
    string? LogPath,
    string? Driver,
    int RestartCount,
    DockerNetworkSettings? NetworkSettings,
    IReadOnlyDictionary<string, DockerMountPoint?>? MountPoints);

internal sealed record DockerContainerConfig(string? Image, IReadOnlyDictionary<string, string>? Labels);

internal sealed record DockerState(
    bool Running,
    bool Paused,
    bool Restarting,
    bool RemovalInProgress,
    bool Dead,
    int Pid,
    int ExitCode,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    DockerHealth? Health);

internal sealed record DockerHealth(string? Status);

internal sealed record DockerMountPoint(string? Type, string? Name, string? Source, string? Destination, string? Driver, bool RW);

internal sealed record DockerNetworkSettings(
    IReadOnlyDictionary<string, JsonElement>? Networks,
    IReadOnlyDictionary<string, IReadOnlyList<DockerPortBinding>?>? Ports);

internal sealed record DockerPortBinding(string? HostIp, string? HostPort);

/// <summary>containers/ID/hostconfig.json.</summary>
internal sealed record DockerHostConfig(DockerLogConfig? LogConfig, DockerRestartPolicy? RestartPolicy, bool AutoRemove, string? Runtime);

internal sealed record DockerLogConfig(string? Type);

internal sealed record DockerRestartPolicy(string? Name, int MaximumRetryCount);

/// <summary>image/overlay2/repositories.json: by repository, the ids of images by their references.</summary>
internal sealed record DockerRepositories(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?>? Repositories);

/// <summary>imagedb/content/sha256/HEX: the image's configuration (image-spec config.md).</summary>
internal sealed record DockerImage([property: JsonPropertyName("created")] DateTimeOffset? Created, [property: JsonPropertyName("rootfs")] DockerImageLayers? Rootfs);

internal sealed record DockerImageLayers([property: JsonPropertyName("diff_ids")] IReadOnlyList<string>? DiffIds);

[JsonSerializable(typeof(DockerImage))]
[JsonSerializable(typeof(DockerContainer))]
[JsonSerializable(typeof(DockerHostConfig))]
[JsonSerializable(typeof(DockerRepositories))]
internal sealed partial class DockerJson : JsonSerializerContext;
