using System.Globalization;

namespace Watari.Containers.Listing;

/// <summary>A line of <c>docker ps -a --no-trunc --format json</c>: the fields by Docker's names, with Docker's texts.</summary>
public sealed record DockerPs
{
    public required string ID { get; init; }

    public required string Names { get; init; }

    public required string Image { get; init; }

    public required string Command { get; init; }

    public required string CreatedAt { get; init; }

    public required string RunningFor { get; init; }

    public required string State { get; init; }

    public required string Status { get; init; }

    public required string Labels { get; init; }

    public required string Mounts { get; init; }

    public required string LocalVolumes { get; init; }

    public required string Networks { get; init; }

    public required string Ports { get; init; }

    /// <summary>0B where it was not asked for.</summary>
    public required string Size { get; init; }

    /// <param name="now">From when on durations are counted: by the guest's clock.</param>
    public static DockerPs Of(FoundContainer container, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(container);
        ContainerRecord? record = container.Record;
        return new DockerPs
        {
            ID = container.Id,
            Names = string.Join(',', record?.Names ?? []),
            Image = string.IsNullOrEmpty(record?.Image) ? "<no image>" : record.Image,
            Command = GoText.Quote(CommandOf(record?.Command ?? [])),
            CreatedAt = GoText.Time(record?.Created),
            RunningFor = Ago(now, Whole(record?.Created)),
            State = StateOf(container.State),
            Status = StatusOf(container, now),
            Labels = string.Join(',', (record?.Labels ?? new Dictionary<string, string>()).Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal)),
            Mounts = string.Join(',', (record?.Mounts ?? []).Select(mount => mount.Name ?? mount.Source).Order(StringComparer.Ordinal)),
            LocalVolumes = (record?.Mounts.Count(mount => mount.Driver == "local") ?? 0).ToString(CultureInfo.InvariantCulture),
            Networks = string.Join(',', (record?.Networks ?? []).Order(StringComparer.Ordinal)),
            Ports = DockerPorts.Text(record?.Ports ?? []),
            Size = record?.Size is { Root: > 0 } size ? $"{HumanSize.Of(size.Written)} (virtual {HumanSize.Of(size.Root)})" : HumanSize.Of(record?.Size?.Written ?? 0),
        };
    }

    /// <summary>Arguments with a blank are put in single quotes (moby container/view.go).</summary>
    private static string CommandOf(IReadOnlyList<string> command) => command.Count == 0 ? "" : string.Join(' ',
        [command[0], .. command.Skip(1).Select(argument => argument.Contains(' ', StringComparison.Ordinal) ? $"'{argument}'" : argument)]);

    /// <summary>State.StateString.</summary>
    private static string StateOf(ContainerState state) => state switch
    {
        ContainerState.Stopped => "exited",
        _ => state.ToString().ToLowerInvariant(),
    };

    /// <summary>State.String.</summary>
    private static string StatusOf(FoundContainer container, DateTimeOffset now)
    {
        ContainerRecord? record = container.Record;
        return container.State switch
        {
            ContainerState.Running => $"Up {HumanDuration.Of(now - (container.Started ?? now))}{(record?.Health switch { null or "none" => "", "starting" => " (health: starting)", var health => $" ({health})" })}",
            ContainerState.Paused => $"Up {HumanDuration.Of(now - (container.Started ?? now))} (Paused)",
            ContainerState.Restarting => $"Restarting ({record?.ExitCode ?? 0}) {Ago(now, record?.Finished)}",
            ContainerState.Exited => $"Exited ({record?.ExitCode ?? 0}) {Ago(now, record?.Finished)}",
            ContainerState.Stopped => "Exited", // with which code, and when, is not written down
            ContainerState.Removing => "Removal In Progress",
            var state => state.ToString(),
        };
    }

    private static string Ago(DateTimeOffset now, DateTimeOffset? then) => then is { } time ? $"{HumanDuration.Of(now - time)} ago" : "";

    /// <summary>The client knows whole seconds alone.</summary>
    private static DateTimeOffset? Whole(DateTimeOffset? time) => time is { } known ? DateTimeOffset.FromUnixTimeSeconds(known.ToUnixTimeSeconds()) : null;
}
