using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary>
/// What of the containers is shown, by <c>--filter KEY=VALUE</c> as docker and podman have it: of several values of one key one must fit, of
/// labels all; of several keys all.
/// </summary>
internal sealed class ContainerFilter
{
    private static readonly string[] s_keys =
        ["ancestor", "before", "exited", "health", "id", "label", "name", "network", "pod", "runtime", "since", "status", "vm", "volume"];

    /// <summary>These ask for containers that need not run.</summary>
    private static readonly string[] s_ofAll = ["status", "exited", "before", "since"];

    /// <summary>These name another container.</summary>
    private static readonly string[] s_relative = ["before", "since"];

    private readonly ILookup<string, string> _values;

    private ContainerFilter(ILookup<string, string> values) => _values = values;

    /// <summary>It asks for containers in all states.</summary>
    public bool IsOfAll => s_ofAll.Any(_values.Contains);

    public static Option<string[]> Option() => new("--filter", "-f")
    {
        Description = $"Only containers that fit; keys are {Words.List(s_keys, "and")}",
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <exception cref="CommandException">A filter is none.</exception>
    public static ContainerFilter Parse(IEnumerable<string> filters)
    {
        List<(string Key, string Value)> parsed = [];
        foreach (string filter in filters)
        {
            int sign = filter.IndexOf('=', StringComparison.Ordinal);
            string key = sign < 0 ? filter : filter[..sign], value = sign < 0 ? "" : filter[(sign + 1)..];
            if (!s_keys.Contains(key)) throw Wrong($"'{key}' is no filter: there are {Words.List(s_keys, "and")}");
            if (value.Length == 0) throw Wrong($"{key} needs a value: write {key}=VALUE");
            if (key == "status" && !Enum.GetValues<ContainerStatus>().Any(status => Words.Of(status) == value)) throw Wrong($"'{value}' is no status: there are {Words.List(Enum.GetValues<ContainerStatus>(), "and")}");
            if (key == "exited" && !int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)) throw Wrong($"'{value}' is no exit code");
            if (key == "name") _ = Pattern(value);
            parsed.Add((key, value));
        }

        return new ContainerFilter(parsed.ToLookup(filter => filter.Key, filter => filter.Value, StringComparer.Ordinal));
    }

    /// <exception cref="CommandException">A filter names a container that is not there.</exception>
    public IEnumerable<ContainerDescription> Choose(IReadOnlyList<ContainerDescription> containers)
    {
        ILookup<string, ContainerDescription> named = s_relative
            .SelectMany(key => _values[key].Select(value => (Key: key, Named: Find(containers, key, value))))
            .ToLookup(pair => pair.Key, pair => pair.Named, StringComparer.Ordinal);
        return containers.Where(container => s_keys.All(key => !_values.Contains(key) || key switch
        {
            "before" => named[key].Any(other => container.Details?.Created < other.Details?.Created),
            "since" => named[key].Any(other => container.Details?.Created > other.Details?.Created),
            "label" => _values[key].All(value => HasLabel(container.Details, value)),
            _ => _values[key].Any(value => Fits(container, key, value)),
        }));
    }

    private static bool Fits(ContainerDescription container, string key, string value) => key switch
    {
        "id" => container.Id.StartsWith(value, StringComparison.Ordinal),
        "name" => NamesOf(container).Any(name => Pattern(value).IsMatch(name) || Pattern(value).IsMatch($"/{name}")),
        // What is stopped is exited to Docker.
        "status" => Words.Of(container.Status) == value || (value == "exited" && container.Status == ContainerStatus.Stopped),
        "exited" => container is { Status: ContainerStatus.Exited or ContainerStatus.Stopped, Details: { Started: not null } details } && details.ExitCode == int.Parse(value, CultureInfo.InvariantCulture),
        "ancestor" => IsOf(container.Details, value),
        "volume" => container.Details?.Mounts.Any(mount => mount.Name == value || mount.Destination == value || mount.Source == value) == true,
        "network" => container.Details?.Networks.Contains(value) == true,
        "health" => (container.Details?.Health ?? "none") == value,
        "pod" => container.Details?.Pod?.StartsWith(value, StringComparison.Ordinal) == true,
        "runtime" => container.Runtime == value,
        _ => container.Vm.Vm == value || container.Vm.ToString() == value,
    };

    private static bool HasLabel(ContainerDetails? details, string label)
    {
        int sign = label.IndexOf('=', StringComparison.Ordinal);
        return details?.Labels.TryGetValue(sign < 0 ? label : label[..sign], out string? value) == true && (sign < 0 || value == label[(sign + 1)..]);
    }

    /// <summary>By its image's id, or a beginning of that, or its name; without a tag it is the latest, as to Docker. Images that it was built on are not known.</summary>
    private static bool IsOf(ContainerDetails? details, string image)
    {
        if (details?.ImageId is { Length: > 0 } id && (id == image || id[(id.IndexOf(':', StringComparison.Ordinal) + 1)..].StartsWith(image, StringComparison.Ordinal))) return true;
        return details?.Image is { Length: > 0 } name && (Tagged(name) == Tagged(image) || Tagged(name).EndsWith($"/{Tagged(image)}", StringComparison.Ordinal));
    }

    private static string Tagged(string image) => image.LastIndexOf(':') > image.LastIndexOf('/') ? image : $"{image}:latest";

    private static ContainerDescription Find(IReadOnlyList<ContainerDescription> containers, string key, string value) =>
        containers.FirstOrDefault(container => container.Id == value || NamesOf(container).Contains(value))
        ?? containers.FirstOrDefault(container => container.Id.StartsWith(value, StringComparison.Ordinal))
        ?? throw new CommandException(ExitCodes.NotFound, $"--filter {key}={value}: there is no such container.");

    private static ImmutableArray<string> NamesOf(ContainerDescription container) => container.Details?.Names is { IsEmpty: false } names ? names : [container.Name];

    /// <summary>Its time is bounded by its length and the name's.</summary>
    /// <exception cref="CommandException">It is no regular expression.</exception>
    private static Regex Pattern(string value)
    {
        try
        {
            return new Regex(value, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw Wrong($"name: {e.Message.TrimEnd('.')}");
        }
    }

    private static CommandException Wrong(string what) => new(ExitCodes.Usage, $"--filter: {what}.");
}
