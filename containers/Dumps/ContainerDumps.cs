using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Watari.Containers.Stores;
using Watari.Containers.Stores.Podman;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Dumps;

/// <summary>
/// What a checkpoint archive says of a container, beside its memory and its files: the documents that podman writes for one
/// (libpod/container_internal.go: prepareCheckpointExport). Of podman's containers they are podman's own, so that podman makes the same
/// container of them; of others, what checkpointctl and a reader need.
/// </summary>
public sealed record ContainerDumps
{
    /// <summary>JSON: libpod's ContainerConfig, or as much of it as checkpointctl reads.</summary>
    public required ReadOnlyMemory<byte> Config { get; init; }

    /// <summary>JSON: the OCI spec that the container runs by.</summary>
    public required ReadOnlyMemory<byte> Spec { get; init; }

    /// <summary>JSON: what networks have given to it, by their names.</summary>
    public required ReadOnlyMemory<byte> NetworkStatus { get; init; }

    /// <summary>What the engine mounts as /dev/shm, by its path in the guest; null where the container has its own.</summary>
    public string? ShmDirectory { get; init; }

    /// <param name="container">One that has a record.</param>
    /// <param name="files">The guest's.</param>
    /// <exception cref="ContainerStoreException">What its engine and its runtime keep of it cannot be read, or is not enough.</exception>
    public static ContainerDumps Read(FoundContainer container, IFileSystem files, ContainerLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(files);
        ContainerRecord record = container.Record ?? throw new ContainerStoreException($"no engine has a record of {container.Id}: only its processes are known");
        var store = new StoreFiles(files, limits ?? ContainerLimits.Default, withSizes: false, Stopwatch.GetTimestamp());
        return record.Runtime == ContainerRuntime.Podman ? OfPodman(record, store) : OfBundle(record, store);
    }

    private static ContainerDumps OfPodman(ContainerRecord record, StoreFiles files)
    {
        LibpodRow row = PodmanStore.Find(files, record.Id) ?? throw new ContainerStoreException($"podman has no container {record.Id} any more");
        LibpodConfig config = JsonText.Parse(row.Config.Span, LibpodJson.Default.LibpodConfig);
        LibpodState state = JsonText.Parse(row.State.Span, LibpodJson.Default.LibpodState);
        return new ContainerDumps
        {
            Config = row.Config,
            Spec = SpecIn(config.StaticDir, files),
            NetworkStatus = state.NetworkStatus is { ValueKind: JsonValueKind.Object } status ? JsonSerializer.SerializeToUtf8Bytes(status, DumpJson.Default.JsonElement) : "{}"u8.ToArray(),
            ShmDirectory = JsonText.NullIfEmpty(config.ShmDir),
        };
    }

    private static ContainerDumps OfBundle(ContainerRecord record, StoreFiles files) => new()
    {
        Config = JsonSerializer.SerializeToUtf8Bytes(
            new ConfigDump(record.Id.ToString(), record.Names.Count > 0 ? record.Names[0] : record.Id.ToString(), record.Image, record.ImageId, record.OciRuntime, record.Created, record.Bundle),
            DumpJson.Default.ConfigDump),
        Spec = SpecIn(record.Bundle, files),
        NetworkStatus = "{}"u8.ToArray(),
    };

    private static byte[] SpecIn(string? bundle, StoreFiles files) =>
        (bundle is null ? null : files.Document($"{bundle}/config.json", OciJson.Default.OciSpec)) ?? throw new ContainerStoreException(bundle is null ? "its bundle is not known" : $"its bundle has no config.json, {bundle}/config.json");
}

/// <summary>What checkpointctl reads of a config.dump (lib/metadata.go), and where the bundle is.</summary>
internal sealed record ConfigDump(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("name")] string Name,
    [property: JsonPropertyName("rootfsImageName")] string? RootfsImageName,
    [property: JsonPropertyName("rootfsImageID")] string? RootfsImageId,
    [property: JsonPropertyName("runtime")] string? Runtime,
    [property: JsonPropertyName("createdTime")] DateTimeOffset? CreatedTime,
    [property: JsonPropertyName("bundle")] string? Bundle);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConfigDump))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class DumpJson : JsonSerializerContext;
