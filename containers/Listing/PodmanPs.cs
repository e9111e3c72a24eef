using System.Globalization;
using System.Text.Json.Serialization;

namespace Watari.Containers.Listing;

/// <summary>An object of <c>podman ps -a --format json</c>: the fields by podman's names (pkg/domain/entities ListContainer).</summary>
public sealed record PodmanPs
{
    public required bool AutoRemove { get; init; }

    public required IReadOnlyList<string> Command { get; init; }

    public required long Created { get; init; }

    public required string CreatedAt { get; init; }

    public required bool Exited { get; init; }

    public required long ExitedAt { get; init; }

    public required int ExitCode { get; init; }

    public required string Id { get; init; }

    public required string Image { get; init; }

    public required string ImageID { get; init; }

    public required bool IsInfra { get; init; }

    public required IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Where they are in the container.</summary>
    public required IReadOnlyList<string> Mounts { get; init; }

    public required IReadOnlyList<string> Names { get; init; }

    public required IReadOnlyList<string> Networks { get; init; }

    public required int Pid { get; init; }

    public required string Pod { get; init; }

    public required IReadOnlyList<PodmanPort>? Ports { get; init; }

    public required int Restarts { get; init; }

    public required long StartedAt { get; init; }

    public required string State { get; init; }

    public required string Status { get; init; }

    /// <param name="now">From when on durations are counted: by the guest's clock.</param>
    public static PodmanPs Of(FoundContainer container, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(container);
        ContainerRecord? record = container.Record;
        return new PodmanPs
        {
            AutoRemove = record?.IsAutoRemoved ?? false,
            Command = record?.Command ?? [],
            Created = GoText.Unix(record?.Created),
            CreatedAt = Ago(now, record?.Created),
            Exited = container.State is ContainerState.Exited or ContainerState.Stopped,
            ExitedAt = GoText.Unix(record?.Finished),
            ExitCode = record?.ExitCode ?? 0,
            Id = container.Id,
            Image = record?.Image ?? "",
            ImageID = record?.ImageId ?? "",
            IsInfra = record?.IsInfra ?? false,
            Labels = record?.Labels,
            Mounts = [.. (record?.Mounts ?? []).Select(mount => mount.Destination)],
            Names = record?.Names ?? [],
            Networks = record?.Networks ?? [],
            Pid = container.RootPid ?? 0,
            Pod = record?.Pod ?? "",
            Ports = record?.Ports is { Count: > 0 } ports ? [.. ports.Select(port => new PodmanPort(port.HostAddress ?? "", port.Port, port.HostPort, port.Count, port.Protocol))] : null,
            Restarts = record?.RestartCount ?? 0,
            StartedAt = GoText.Unix(container.Started),
            State = container.State.ToString().ToLowerInvariant(),
            Status = StatusOf(container, now),
        };
    }

    private static string StatusOf(FoundContainer container, DateTimeOffset now) => container.State switch
    {
        ContainerState.Running => $"Up {HumanDuration.Of(now - (Whole(container.Started) ?? now))}",
        ContainerState.Exited or ContainerState.Stopped => string.Create(CultureInfo.InvariantCulture, $"Exited ({container.Record?.ExitCode ?? 0}) {Ago(now, Whole(container.Record?.Finished))}"),
        var state => state.ToString(),
    };

    private static string Ago(DateTimeOffset now, DateTimeOffset? then) => then is { } time ? $"{HumanDuration.Of(now - time)} ago" : "";

    /// <summary>Its list has whole seconds alone.</summary>
    private static DateTimeOffset? Whole(DateTimeOffset? time) => time is { } known ? DateTimeOffset.FromUnixTimeSeconds(known.ToUnixTimeSeconds()) : null;
}

/// <summary>A published port, or several that follow one another.</summary>
public sealed record PodmanPort(
    [property: JsonPropertyName("host_ip")] string HostIp,
    [property: JsonPropertyName("container_port")] int ContainerPort,
    [property: JsonPropertyName("host_port")] int HostPort,
    [property: JsonPropertyName("range")] int Range,
    [property: JsonPropertyName("protocol")] string Protocol);
