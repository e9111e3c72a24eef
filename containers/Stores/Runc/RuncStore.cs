using System.Text.Json.Serialization;
using Watari.Introspection.Containers;

namespace Watari.Containers.Stores.Runc;

/// <summary>
/// Runc's containers, from its <c>state.json</c> files in /run: those of people, and those that podman, Docker and containerd have it run.
/// /run is a tmpfs, so they are in guest memory alone. Runc writes no state down: whether one runs is told by its process.
/// </summary>
internal sealed class RuncStore : IContainerStore
{
    private const string BundleLabel = "bundle=";

    private static readonly string[] s_roots = ["/run/runc", "/run/docker/runtime-runc/moby", "/run/docker/runtime-runc/default", "/run/containerd/runc/default", "/run/containerd/runc/k8s.io", "/run/containerd/runc/moby"];

    public IReadOnlyList<ContainerRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        List<ContainerRecord> records = [];
        foreach (string root in s_roots)
        {
            foreach (ContainerId id in files.Ids(root, ContainerId.TryParse, unreadable))
            {
                if (ReadOne(files, root, id) is { } record) records.Add(record);
            }
        }

        return records;
    }

    private static ContainerRecord? ReadOne(StoreFiles files, string root, ContainerId id)
    {
        var parts = new ReadableParts();
        string path = $"{root}/{id}/state.json";
        RuncContainer? state = parts.TryRead(path, () => files.Json(path, RuncJson.Default.RuncContainer));
        if (state is null && parts.Unreadable.Count == 0) return null;
        string? bundle = state?.Config?.Labels?.FirstOrDefault(label => label?.StartsWith(BundleLabel, StringComparison.Ordinal) == true)?[BundleLabel.Length..];
        OciSpec? spec = bundle is null ? null : parts.TryRead($"{bundle}/config.json", () => files.Json($"{bundle}/config.json", OciJson.Default.OciSpec));
        return new ContainerRecord
        {
            Id = id,
            Runtime = ContainerRuntime.Runc,
            Names = [id.ToString()],
            Command = JsonText.Texts(spec?.Process?.Args),
            Created = GoTime.OrNull(state?.Created),
            // Of a container that was created and never started, this pipe is what it waits at.
            State = files.Exists($"{root}/{id}/exec.fifo") ? ContainerState.Created : state is null ? ContainerState.Unknown : ContainerState.Running,
            Mounts = [.. spec?.BindMounts() ?? []],
            RootPid = state?.InitProcessPid is > 0 and var pid ? pid : null,
            Bundle = bundle,
            OciRuntime = "runc",
            Unreadable = parts.Unreadable,
        };
    }
}

/// <summary>libcontainer's State (libcontainer/container_linux.go).</summary>
internal sealed record RuncContainer(
    [property: JsonPropertyName("init_process_pid")] int InitProcessPid,
    [property: JsonPropertyName("created")] DateTimeOffset? Created,
    [property: JsonPropertyName("config")] RuncConfig? Config);

internal sealed record RuncConfig([property: JsonPropertyName("rootfs")] string? Rootfs, [property: JsonPropertyName("labels")] IReadOnlyList<string?>? Labels);

[JsonSerializable(typeof(RuncContainer))]
internal sealed partial class RuncJson : JsonSerializerContext;
