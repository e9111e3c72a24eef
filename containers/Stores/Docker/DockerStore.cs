using System.Globalization;
using Watari.Introspection.Containers;

namespace Watari.Containers.Stores.Docker;

/// <summary>
/// Docker's containers, from <c>/var/lib/docker</c>: 20.10 and 26.1 keep the same. The daemon writes both files of a container anew, whole and
/// synced, at each change of its state.
/// </summary>
internal sealed class DockerStore : IContainerStore
{
    internal const string Containers = Root + "/containers";

    private const string Root = "/var/lib/docker", Images = Root + "/image/overlay2", Digest = "sha256:";

    public IReadOnlyList<ContainerRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        List<ContainerRecord> records = [];
        ContainerId[] ids = files.Ids(Containers, ContainerId.TryParseFull, unreadable);
        if (ids.Length == 0) return records;
        var images = DockerImages.Read(files, $"{Images}/repositories.json", unreadable);
        var layers = new OverlayLayers(files, $"{Root}/overlay2");
        foreach (ContainerId id in ids)
        {
            if (ReadOne(files, id, images, layers) is { } record) records.Add(record);
        }

        return records;
    }

    private static ContainerRecord? ReadOne(StoreFiles files, ContainerId id, DockerImages images, OverlayLayers layers)
    {
        var parts = new ReadableParts();
        string configPath = $"{Containers}/{id}/config.v2.json", hostPath = $"{Containers}/{id}/hostconfig.json";
        DockerContainer? config = parts.TryRead(configPath, () => files.Json(configPath, DockerJson.Default.DockerContainer));
        // It is being made or removed: its directory is there before its files, and after.
        if (config is null && parts.Unreadable.Count == 0) return null;
        DockerHostConfig? host = parts.TryRead(hostPath, () => files.Json(hostPath, DockerJson.Default.DockerHostConfig));
        string mountPath = $"{Images}/layerdb/mounts/{id}/mount-id";
        OverlayDirectories? overlay = parts.TryRead(mountPath, () => files.Text(mountPath) is { } layer ? layers.Of(layer) : null);
        ContainerSize? size = files.WithSizes && overlay is not null ? parts.TryRead(overlay.Upper, () => SizeOf(files, id, overlay)) : null;
        return Describe(id, config, host, overlay, images, parts.Unreadable) with { Size = size };
    }

    private static ContainerRecord Describe(
        ContainerId id, DockerContainer? config, DockerHostConfig? host, OverlayDirectories? overlay, DockerImages images, IReadOnlyList<UnreadableFile> unreadable)
    {
        DockerState? state = config?.State;
        return new ContainerRecord
        {
            Id = id,
            Runtime = ContainerRuntime.Docker,
            Names = config?.Name is { Length: > 0 } name ? [name.TrimStart('/')] : [],
            Image = images.Shown(config?.Config?.Image, config?.Image),
            ImageId = config?.Image,
            Command = config?.Path is { } program ? [program, .. JsonText.Texts(config.Args)] : [],
            Labels = JsonText.Texts(config?.Config?.Labels),
            Created = GoTime.OrNull(config?.Created),
            State = StateOf(state),
            ExitCode = state?.ExitCode ?? 0,
            Started = GoTime.OrNull(state?.StartedAt),
            Finished = GoTime.OrNull(state?.FinishedAt),
            Health = state?.Health?.Status,
            RestartPolicy = new RestartPolicy(host?.RestartPolicy?.Name, host?.RestartPolicy?.MaximumRetryCount ?? 0),
            RestartCount = config?.RestartCount ?? 0,
            IsAutoRemoved = host?.AutoRemove ?? false,
            Mounts = [.. (config?.MountPoints?.Values ?? []).OfType<DockerMountPoint>().Select(Mount)],
            Networks = [.. config?.NetworkSettings?.Networks?.Keys ?? []],
            Ports = [.. Ports(config?.NetworkSettings)],
            LogPath = JsonText.NullIfEmpty(config?.LogPath),
            LogDriver = host?.LogConfig?.Type,
            RootPid = state?.Pid is > 0 and var pid ? pid : null,
            Overlay = overlay,
            OciRuntime = host?.Runtime,
            Unreadable = unreadable,
        };
    }

    /// <summary>The layers below the container's own are chained by their ids; each has its size beside it (layer/filestore.go).</summary>
    private static ContainerSize? SizeOf(StoreFiles files, ContainerId id, OverlayDirectories overlay)
    {
        if (files.TreeBytes(overlay.Upper) is not { } written) return null;
        long image = 0;
        string? layer = files.Text($"{Images}/layerdb/mounts/{id}/parent");
        for (int layers = 0; layer is not null; layers++)
        {
            if (layers == files.Limits.Layers) throw new ContainerStoreException($"its image has more than {files.Limits.Layers} layers");
            if (!layer.StartsWith(Digest, StringComparison.Ordinal) || !ContainerId.TryParseFull(layer[Digest.Length..], out ContainerId digits)) throw new ContainerStoreException($"\"{layer}\" is no layer of an image");
            image += long.TryParse(files.Text($"{Images}/layerdb/sha256/{digits}/size"), NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? Math.Min(bytes, long.MaxValue / 1024) : 0;
            layer = files.Text($"{Images}/layerdb/sha256/{digits}/parent");
        }

        return new ContainerSize(written, written + image);
    }

    /// <summary>As State.StateString has it (moby container/state.go).</summary>
    private static ContainerState StateOf(DockerState? state) => state switch
    {
        null => ContainerState.Unknown,
        { Running: true, Paused: true } => ContainerState.Paused,
        { Running: true, Restarting: true } => ContainerState.Restarting,
        { Running: true } => ContainerState.Running,
        { RemovalInProgress: true } => ContainerState.Removing,
        { Dead: true } => ContainerState.Dead,
        _ => GoTime.OrNull(state.StartedAt) is null ? ContainerState.Created : ContainerState.Exited,
    };

    private static ContainerMount Mount(DockerMountPoint mount) =>
        new(mount.Type ?? "", JsonText.NullIfEmpty(mount.Name), JsonText.NullIfEmpty(mount.Source) ?? SourceOf(mount), mount.Destination ?? "", JsonText.NullIfEmpty(mount.Driver), !mount.RW);

    /// <summary>Of a volume that it has named itself Docker does not write down where it is, but asks the driver (volume/local).</summary>
    private static string? SourceOf(DockerMountPoint mount) =>
        mount is { Type: "volume", Driver: "local" } && ContainerId.TryParse(mount.Name, out ContainerId name) ? $"{Root}/volumes/{name}/_data" : null;

    /// <summary>By what is 80/tcp in the file; what is none is passed over, as by Docker.</summary>
    private static IEnumerable<ContainerPort> Ports(DockerNetworkSettings? network)
    {
        foreach ((string key, IReadOnlyList<DockerPortBinding>? bindings) in network?.Ports ?? new Dictionary<string, IReadOnlyList<DockerPortBinding>?>())
        {
            string[] parts = key.Split('/');
            if (!TryPort(parts[0], out ushort port)) continue;
            string protocol = parts.Length > 1 ? parts[1] : "tcp";
            if (bindings is null or { Count: 0 }) yield return new ContainerPort(null, 0, port, protocol);
            foreach (DockerPortBinding? binding in bindings ?? [])
            {
                if (TryPort(binding?.HostPort, out ushort hostPort)) yield return new ContainerPort(binding!.HostIp ?? "", hostPort, port, protocol);
            }
        }
    }

    private static bool TryPort(string? text, out ushort port) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
}
