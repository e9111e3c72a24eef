using Watari.Introspection.Containers;

namespace Watari.Containers.Stores.Podman;

/// <summary>
/// Podman's containers, from <c>/var/lib/containers/storage</c>: a bbolt database (podman 4) or one of SQLite (podman 5; podman itself takes
/// the first where both are there), and containers/storage beside it for the layers.
/// </summary>
internal sealed class PodmanStore : IContainerStore
{
    private const string Root = "/var/lib/containers/storage", Containers = Root + "/overlay-containers";
    private const string Bolt = Root + "/libpod/bolt_state.db", Sqlite = Root + "/db.sql";
    private const string AutoRemove = "io.podman.annotations.autoremove";

    private static readonly Dictionary<int, ContainerState> s_states = new()
    {
        // libpod/define/containerstate.go
        [1] = ContainerState.Created, // ContainerStateConfigured
        [2] = ContainerState.Initialized, // ContainerStateCreated
        [3] = ContainerState.Running,
        [4] = ContainerState.Stopped,
        [5] = ContainerState.Paused,
        [6] = ContainerState.Exited,
        [7] = ContainerState.Removing,
        [8] = ContainerState.Stopping,
    };

    public IReadOnlyList<ContainerRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        Dictionary<string, StorageContainer> stored = Stored(files, unreadable);
        List<ContainerRecord> records = [];
        var seen = new HashSet<ContainerId>();
        var layers = new OverlayLayers(files, $"{Root}/overlay");
        foreach (LibpodRow row in Rows(files, unreadable))
        {
            if (!ContainerId.TryParseFull(row.Id, out ContainerId id)) unreadable.Add(new UnreadableFile(Root, $"a container is called {row.Id}, which is no id"));
            else if (seen.Add(id)) records.Add(ReadOne(files, id, row, stored.GetValueOrDefault(row.Id), layers));
        }

        return records;
    }

    /// <summary>What the database has of one container; null where it has none.</summary>
    /// <exception cref="ContainerStoreException">The database cannot be read.</exception>
    internal static LibpodRow? Find(StoreFiles files, ContainerId id) =>
        Rows(files, out _).Where(row => row.Id == id.ToString()).Select(row => (LibpodRow?)row).FirstOrDefault();

    /// <param name="path">The database that was read last.</param>
    private static IReadOnlyList<LibpodRow> Rows(StoreFiles files, out string path)
    {
        path = Bolt;
        if (files.BoltDatabase(Bolt) is { } bolt) return BoltState.Read(bolt, files.Limits.Containers);
        path = Sqlite;
        return files.SqliteDatabase(Sqlite) is { } sqlite ? SqliteState.Read(sqlite, files.Limits) : [];
    }

    private static IReadOnlyList<LibpodRow> Rows(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        string path = Bolt;
        try
        {
            return Rows(files, out path);
        }
        catch (ContainerStoreException e)
        {
            unreadable.Add(new UnreadableFile(path, e.Message));
            return [];
        }
    }

    /// <summary>By id. Containers that go away with the guest's next start (podman run --rm) are in a file of their own.</summary>
    private static Dictionary<string, StorageContainer> Stored(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        var stored = new Dictionary<string, StorageContainer>(StringComparer.Ordinal);
        foreach (string path in (string[])[$"{Containers}/containers.json", $"{Containers}/volatile-containers.json"])
        {
            try
            {
                foreach (StorageContainer? container in files.Json(path, LibpodJson.Default.IReadOnlyListStorageContainer) ?? [])
                {
                    if (container?.Id is { } id) stored[id] = container;
                }
            }
            catch (ContainerStoreException e)
            {
                unreadable.Add(new UnreadableFile(path, e.Message));
            }
        }

        return stored;
    }

    private static ContainerRecord ReadOne(StoreFiles files, ContainerId id, LibpodRow row, StorageContainer? stored, OverlayLayers layers)
    {
        var parts = new ReadableParts();
        LibpodConfig? config = parts.TryRead($"config of {id}", () => JsonText.Parse(row.Config.Span, LibpodJson.Default.LibpodConfig));
        LibpodState? state = parts.TryRead($"state of {id}", () => JsonText.Parse(row.State.Span, LibpodJson.Default.LibpodState));
        OverlayDirectories? overlay = parts.TryRead($"{Root}/overlay", () => stored?.Layer is { } layer ? layers.Of(layer) : null);
        return new ContainerRecord
        {
            Id = id,
            Runtime = ContainerRuntime.Podman,
            Names = config?.Name is { } name ? [name] : JsonText.Texts(stored?.Names),
            Image = config?.RootfsImageName,
            ImageId = config?.RootfsImageId ?? stored?.Image,
            Command = JsonText.Texts(config?.Command),
            Labels = JsonText.Texts(config?.Labels),
            Created = GoTime.OrNull(config?.CreatedTime ?? stored?.Created),
            State = s_states.GetValueOrDefault(state?.State ?? 0),
            ExitCode = state?.ExitCode ?? 0,
            Started = GoTime.OrNull(state?.StartedTime),
            Finished = GoTime.OrNull(state?.FinishedTime),
            RestartPolicy = new RestartPolicy(config?.RestartPolicy, (int)Math.Clamp(config?.RestartRetries ?? 0, 0, int.MaxValue)),
            RestartCount = state?.RestartCount ?? 0,
            IsAutoRemoved = config?.Spec?.Annotations?.GetValueOrDefault(AutoRemove) == "TRUE",
            Mounts = config is null ? [] : [.. MountsOf(config)],
            Networks = [.. row.Networks, .. config?.Networks?.Keys.Except(row.Networks) ?? []],
            Ports = [.. (config?.PortMappings ?? []).OfType<LibpodPort>().Select(port => new ContainerPort(port.HostIp ?? "", port.HostPort, port.Port, port.Protocol ?? "tcp", Math.Max(port.Range, (ushort)1)))],
            LogPath = JsonText.NullIfEmpty(config?.LogPath),
            LogDriver = config?.LogDriver,
            RootPid = state?.Pid is > 0 and var pid ? pid : null,
            Overlay = overlay,
            Bundle = config?.StaticDir,
            OciRuntime = config?.Runtime,
            Pod = JsonText.NullIfEmpty(config?.Pod),
            IsInfra = config?.IsInfra ?? false,
            Unreadable = parts.Unreadable,
        };
    }

    /// <summary>What was asked for, by the order in which it was; what podman itself mounts (resolv.conf, shm) is left out.</summary>
    private static IEnumerable<ContainerMount> MountsOf(LibpodConfig config)
    {
        ContainerMount[] binds = [.. config.Spec?.BindMounts() ?? []];
        foreach (string destination in JsonText.Texts(config.UserVolumes))
        {
            if ((config.NamedVolumes ?? []).FirstOrDefault(volume => volume?.Destination == destination) is { } named)
                yield return new ContainerMount("volume", named.Name, VolumePath(named.Name), destination, "local", named.Options?.Contains("ro") == true);
            else
                yield return binds.FirstOrDefault(bind => bind.Destination == destination) ?? new ContainerMount("", null, null, destination, null, false);
        }
    }

    private static string? VolumePath(string? name) => ContainerId.TryParse(name, out ContainerId safe) ? $"{Root}/volumes/{safe}/_data" : null;
}
