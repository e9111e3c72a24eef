using System.Collections.Concurrent;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari events</c>: as docker events and podman events, of all virtual machines and from outside of them.</summary>
internal static class EventsCommand
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    /// <summary>How often it is looked whether there are other hosts.</summary>
    private static readonly TimeSpan s_hosts = TimeSpan.FromSeconds(5);

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string[]> names = new("CONTAINER") { Description = "Names or ids of containers; all where none is given", Arity = ArgumentArity.ZeroOrMore };
        Option<LogMoment?> since = LogsCommand.Moment("--since", "Begin with what was from then on: a time (2026-01-02T13:23:37Z), seconds since 1970, or how long ago (42m)");
        Option<LogMoment?> until = LogsCommand.Moment("--until", "End when that time has come");
        Option<string[]> filter = EventFilter.Option();
        Option<OutputFormat> output = OutputOption.New(OutputFormat.Table, OutputFormat.Json);
        Command command = new("events", "Print what happens to containers as it happens, seen from outside") { names, since, until, filter, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var wanted = EventFilter.Parse(parsed.GetValue(filter) ?? [], parsed.GetValue(names) ?? []);
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            var stream = new EventStream(
                async () => [.. (await cluster.Cluster.ListHostsAsync(cancellationToken)).Where(host => host.Problem is null).Select(host => host.Name)],
                (host, from) => cluster.Grains.GetGrain<IEventsGrain>(host).ReadAsync(from, Time(parsed.GetValue(since)), cancellationToken),
                terminal.Say);
            await PrintAsync(stream, wanted, terminal, parsed.GetValue(output) == OutputFormat.Json, Time(parsed.GetValue(until)), cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static async Task PrintAsync(EventStream stream, EventFilter wanted, Terminal terminal, bool asJson, DateTimeOffset? until, CancellationToken cancellationToken)
    {
        DateTimeOffset lookedForHosts = default;
        while (true)
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            if (now - lookedForHosts > s_hosts)
            {
                await stream.FindHostsAsync();
                lookedForHosts = now;
            }

            foreach (ContainerEvent happened in (await stream.ReadAsync()).Where(happened => wanted.Takes(happened) && (until is not { } end || happened.At <= end)))
            {
                var view = EventView.Of(happened);
                await terminal.Out.WriteLineAsync(asJson ? JsonSerializer.Serialize(view, Lines.Default.EventView) : Line(view));
            }

            await terminal.Out.FlushAsync(cancellationToken);
            if (now >= until || terminal.IsOutGone()) return;
            await Task.Delay(s_pause, cancellationToken);
        }
    }

    /// <summary>E.g. <c>2026-01-02T13:23:37.123Z die 0123456789ab web host-a/vm-a (exitCode=137, image=localhost/web:1)</c>.</summary>
    private static string Line(EventView view)
    {
        (string Name, object? Value)[] more = [("exitCode", view.ExitCode), ("oldName", view.OldName), ("job", view.Job), ("image", view.Image)];
        string told = string.Join(", ", more.Where(item => item.Value is not null).Select(item => string.Create(CultureInfo.InvariantCulture, $"{item.Name}={item.Value}")));
        string line = string.Create(CultureInfo.InvariantCulture, $"{view.Time:yyyy-MM-ddTHH:mm:ss.fffZ} {view.Event} {PsCommand.Short(view.Id)} {view.Name} {view.Host}/{view.Vm}");
        return Printer.Clean(told.Length == 0 ? line : $"{line} ({told})");
    }

    private static DateTimeOffset? Time(LogMoment? moment) =>
        moment is { } known ? DateTimeOffset.FromUnixTimeSeconds(known.Seconds).AddTicks(known.Nanoseconds / TimeSpan.NanosecondsPerTick) : null;
}

/// <summary>The events of all hosts, read on from where they were read last.</summary>
/// <param name="hosts">Names of the hosts there are.</param>
/// <param name="read">Reads a host's on.</param>
/// <param name="say">Is told once of each thing that cannot be seen.</param>
internal sealed class EventStream(Func<Task<IReadOnlyList<string>>> hosts, Func<string, EventsPlace?, Task<EventsPiece>> read, Action<string> say)
{
    private readonly ConcurrentDictionary<string, EventsPlace?> _places = new(StringComparer.Ordinal);
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    public async Task FindHostsAsync()
    {
        try
        {
            foreach (string host in await hosts()) _places.TryAdd(host, null);
        }
        catch (Exception e) when (!_places.IsEmpty && e is OrleansException or TimeoutException)
        {
            Tell($"The cluster did not answer: {e.Message}");
        }
    }

    /// <summary>What is new, by its time.</summary>
    public async Task<IReadOnlyList<ContainerEvent>> ReadAsync() =>
        [.. (await Task.WhenAll(_places.Keys.Select(ReadAsync))).SelectMany(events => events).OrderBy(happened => happened.At)];

    private async Task<IReadOnlyList<ContainerEvent>> ReadAsync(string host)
    {
        List<ContainerEvent> events = [];
        try
        {
            EventsPiece piece;
            do
            {
                piece = await read(host, _places[host]);
                if (piece.IsBehind) say($"host {host}: some events were missed, for it was started again, or too many came at once");
                foreach (string problem in piece.Problems) Tell(problem);
                events.AddRange(piece.Events);
                _places[host] = piece.Next;
            }
            while (!piece.IsLast);
        }
        catch (Exception e) when (e is EngineException or OrleansException or TimeoutException)
        {
            Tell($"host {host}: {e.Message}");
        }

        return events;
    }

    private void Tell(string problem)
    {
        lock (_told)
        {
            if (!_told.Add(problem)) return;
        }

        say(Printer.Clean(problem));
    }
}

/// <summary>Which events are shown: of several values of one key one must fit; of several keys all, and one of the containers that were named.</summary>
internal sealed class EventFilter
{
    private static readonly string[] s_keys = ["container", "event", "host", "image", "runtime", "vm"];

    /// <summary>Other engines' words.</summary>
    private static readonly Dictionary<string, string> s_words = new(StringComparer.Ordinal) { ["died"] = "die", ["destroy"] = "remove", ["rm"] = "remove" };

    private readonly ILookup<string, string> _values;

    private EventFilter(ILookup<string, string> values) => _values = values;

    public static Option<string[]> Option() => new("--filter", "-f")
    {
        Description = $"Only events that fit; keys are {Words.List(s_keys, "and")}, events {Words.List(Enum.GetValues<ContainerEventKind>(), "and")}",
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <param name="filters">KEY=VALUE each.</param>
    /// <param name="containers">Names or ids.</param>
    /// <exception cref="CommandException">A filter is none.</exception>
    public static EventFilter Parse(IEnumerable<string> filters, IEnumerable<string> containers)
    {
        List<(string Key, string Value)> parsed = [.. containers.Select(container => ("container", container))];
        foreach (string filter in filters)
        {
            int sign = filter.IndexOf('=', StringComparison.Ordinal);
            (string key, string value) = sign < 0 ? (filter, "") : (filter[..sign], filter[(sign + 1)..]);
            if (!s_keys.Contains(key)) throw Wrong($"'{key}' is no filter: there are {Words.List(s_keys, "and")}");
            if (value.Length == 0) throw Wrong($"{key} needs a value: write {key}=VALUE");
            if (key == "event")
            {
                value = s_words.GetValueOrDefault(value, value);
                if (!Enum.GetValues<ContainerEventKind>().Any(kind => Words.Of(kind) == value)) throw Wrong($"'{value}' is no event: there are {Words.List(Enum.GetValues<ContainerEventKind>(), "and")}");
            }

            parsed.Add((key, value));
        }

        return new EventFilter(parsed.ToLookup(filter => filter.Key, filter => filter.Value, StringComparer.Ordinal));
    }

    public bool Takes(ContainerEvent happened) => s_keys.All(key => !_values.Contains(key) || _values[key].Any(value => Fits(happened, key, value)));

    private static bool Fits(ContainerEvent happened, string key, string value) => key switch
    {
        "container" => happened.Name == value || happened.OldName == value || happened.Container.StartsWith(value, StringComparison.Ordinal),
        "event" => Words.Of(happened.Kind) == value,
        "host" => happened.Vm.Host == value,
        "image" => happened.Image is { } image && (image == value || image.StartsWith($"{value}:", StringComparison.Ordinal)),
        "runtime" => happened.Runtime == value,
        _ => happened.Vm.Vm == value || happened.Vm.ToString() == value,
    };

    private static CommandException Wrong(string message) => new(ExitCodes.Usage, $"{message}.");
}
