using System.Globalization;
using System.Text.Json.Serialization;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

// What watari inspect prints: a contract with scripts, held by golden files. Names are docker inspect's, and podman's where Docker has none;
// what is not known is null.

/// <param name="Image">The image's id.</param>
internal sealed record InspectView(
    string Id, string Name, string Vm, string Host, string Runtime, DateTimeOffset? Created, InspectState State, string? Image, InspectConfig Config, InspectHostConfig HostConfig, int RestartCount,
    IReadOnlyList<InspectMount> Mounts, string? LogPath, InspectGraphDriver? GraphDriver, InspectNetworkSettings NetworkSettings, string? OCIRuntime, string? Bundle, string? Pod, string? Cgroup,
    int Processes, int Threads, long ResidentBytes, long? SizeRw, long? SizeRootFs, string? Contradiction, IReadOnlyList<string> Unreadable)
{
    public static InspectView Of(ContainerDescription container)
    {
        ContainerDetails? details = container.Details;
        return new InspectView(
            container.Id, container.Name, container.Vm.Vm, container.Vm.Host, container.Runtime, details?.Created,
            new InspectState(
                Words.Of(container.Status), container.Status is ContainerStatus.Running or ContainerStatus.Paused, container.Status == ContainerStatus.Paused, container.Status == ContainerStatus.Restarting,
                container.Status == ContainerStatus.Dead, container.InitPid, details?.ExitCode, details?.Started, details?.Finished, details?.Health is { } health ? new InspectHealth(health) : null),
            details?.ImageId,
            new InspectConfig(details?.Image, details is null ? [container.Command] : [.. details.Command], details?.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).ToDictionary() ?? []),
            new InspectHostConfig(
                new InspectLogConfig(details?.LogDriver), new InspectRestartPolicy(details?.RestartPolicy ?? "no", details?.MaximumRetryCount ?? 0), details?.IsAutoRemoved ?? false),
            details?.RestartCount ?? 0,
            [.. (details?.Mounts ?? []).Select(mount => new InspectMount(mount.Type, mount.Name, mount.Source, mount.Destination, mount.Driver, !mount.IsReadOnly))],
            details?.LogPath,
            details?.Overlay is { } overlay ? new InspectGraphDriver("overlay", new InspectLayers(string.Join(':', overlay.Lower), overlay.Merged, overlay.Upper, overlay.Work)) : null,
            new InspectNetworkSettings([.. details?.Networks ?? []], Ports(details?.Ports ?? [])),
            details?.OciRuntime, details?.Bundle, details?.Pod, container.CgroupPath is { Length: > 0 } cgroup ? cgroup : null,
            container.Processes, container.Threads, container.ResidentBytes, details?.Size?.Written, details?.Size?.Root, container.Contradiction, [.. details?.Unreadable ?? []]);
    }

    /// <summary>By <c>80/tcp</c>, where the guest publishes it; null where it does not.</summary>
    private static SortedDictionary<string, IReadOnlyList<InspectPort>?> Ports(IEnumerable<PortDescription> ports)
    {
        SortedDictionary<string, IReadOnlyList<InspectPort>?> bindings = new(StringComparer.Ordinal);
        foreach (PortDescription port in ports)
        {
            for (int i = 0; i < Math.Clamp(port.Count, 1, ushort.MaxValue); i++)
            {
                string key = string.Create(CultureInfo.InvariantCulture, $"{port.Port + i}/{port.Protocol}");
                IReadOnlyList<InspectPort>? known = bindings.GetValueOrDefault(key);
                bindings[key] = port.HostAddress is { } address ? [.. known ?? [], new InspectPort(address, (port.HostPort + i).ToString(CultureInfo.InvariantCulture))] : known;
            }
        }

        return bindings;
    }
}

internal sealed record InspectState(
    string Status, bool Running, bool Paused, bool Restarting, bool Dead, int Pid, int? ExitCode, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, InspectHealth? Health);

internal sealed record InspectHealth(string Status);

/// <param name="Image">As the runtime shows it.</param>
/// <param name="Cmd">The program with its arguments.</param>
internal sealed record InspectConfig(string? Image, IReadOnlyList<string> Cmd, IReadOnlyDictionary<string, string> Labels);

internal sealed record InspectHostConfig(InspectLogConfig LogConfig, InspectRestartPolicy RestartPolicy, bool AutoRemove);

internal sealed record InspectLogConfig(string? Type);

internal sealed record InspectRestartPolicy(string Name, int MaximumRetryCount);

internal sealed record InspectMount(string Type, string? Name, string? Source, string Destination, string? Driver, [property: JsonPropertyName("RW")] bool IsWritable);

internal sealed record InspectGraphDriver(string Name, InspectLayers Data);

internal sealed record InspectLayers(string LowerDir, string MergedDir, string UpperDir, string WorkDir);

internal sealed record InspectNetworkSettings(IReadOnlyList<string> Networks, IReadOnlyDictionary<string, IReadOnlyList<InspectPort>?> Ports);

internal sealed record InspectPort(string HostIp, string HostPort);

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<InspectView>))]
internal sealed partial class InspectViews : JsonSerializerContext;
