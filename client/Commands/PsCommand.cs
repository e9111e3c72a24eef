using System.CommandLine;
using System.Text.Json.Nodes;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari ps</c>: as docker ps and podman ps, of all virtual machines.</summary>
internal static class PsCommand
{
    private const int ShortId = 12;
    private const string ClearScreen = "\u001b[2J\u001b[H";

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    public static Command Build(Connector connect, Terminal terminal)
    {
        Option<string?> vm = new("--vm") { Description = "Only containers in this VM (VM, or HOST/VM)", HelpName = "VM" };
        Option<bool> all = new("--all", "-a") { Description = "Containers in all states; without it, those that run" };
        Option<string[]> filter = ContainerFilter.Option();
        Option<string?> format = new("--format") { Description = "Print each container by a template: '{{.Names}}', 'table {{.ID}}\\t{{.Status}}', or json", HelpName = "TEMPLATE" };
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print ids alone" };
        Option<bool> noTrunc = new("--no-trunc") { Description = "Print ids and commands in full" };
        Option<int?> last = new("--last", "-n") { Description = "The containers that were created last, so many of all states", HelpName = "N" };
        Option<bool> latest = new("--latest", "-l") { Description = "The container that was created last, in any state" };
        Option<bool> size = new("--size", "-s") { Description = "Measure what containers have written (Docker's alone)" };
        Option<bool> watch = new("--watch", "-w") { Description = "Go on, and print anew what has changed" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("ps", "List the containers of all virtual machines") { vm, all, filter, format, quiet, noTrunc, last, latest, size, watch, output };
        command.Validators.Add(result =>
        {
            // A document has an end, which a stream has not.
            if (result.GetValue(watch) && result.GetValue(output) is OutputFormat.Json or OutputFormat.Yaml) result.AddError("-o json and -o yaml have an end, which --watch has not: use --format json.");
            if (result.GetValue(format) is not null && (result.GetValue(quiet) || result.GetResult(output) is { Implicit: false })) result.AddError("--format says the form alone: leave -q and -o.");
            if (result.GetValue(last) is <= 0) result.AddError("--last is 1 or more.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var wanted = ContainerFilter.Parse(parsed.GetValue(filter) ?? []);
            int? newest = parsed.GetValue(latest) ? 1 : parsed.GetValue(last);
            var form = new PsForm(parsed.GetValue(output), parsed.GetValue(format), parsed.GetValue(quiet), parsed.GetValue(noTrunc), parsed.GetValue(size));
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            await ShowAsync(
                async () =>
                {
                    Listing<ContainerDescription> found = await cluster.Cluster.ListContainersAsync(parsed.GetValue(vm), parsed.GetValue(size), cancellationToken);
                    return found with { Items = [.. Choose(found.Items, wanted, parsed.GetValue(all), newest)] };
                },
                form, terminal, parsed.GetValue(watch), cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>As much of an id as docker and podman show.</summary>
    internal static string Short(string id) => id.Length <= ShortId ? id : id[..ShortId];

    internal static IEnumerable<ContainerDescription> Choose(IReadOnlyList<ContainerDescription> found, ContainerFilter wanted, bool all, int? newest)
    {
        IEnumerable<ContainerDescription> chosen = wanted.Choose(found);
        if (!all && !wanted.IsOfAll && newest is null) chosen = chosen.Where(container => container.Status is ContainerStatus.Running or ContainerStatus.Paused or ContainerStatus.Restarting);
        return newest is { } count ? chosen.OrderByDescending(container => container.Details?.Created ?? DateTimeOffset.MinValue).Take(count) : chosen;
    }

    /// <param name="list">Lists all that is asked for.</param>
    internal static async Task ShowAsync(Func<Task<Listing<ContainerDescription>>> list, PsForm form, Terminal terminal, bool watch, CancellationToken cancellationToken)
    {
        bool redraws = watch && terminal.IsLive && !Console.IsOutputRedirected;
        string before = "";
        HashSet<string> told = [];
        using var turns = new PeriodicTimer(s_interval);
        do
        {
            Listing<ContainerDescription> found = await list();
            using var text = new StringWriter { NewLine = "\n" };
            form.Print(terminal with { Out = text }, found.Items);
            if (redraws) await terminal.Out.WriteAsync(ClearScreen);
            if (redraws || text.ToString() != before) await terminal.Out.WriteAsync(before = text.ToString());
            await terminal.Out.FlushAsync(cancellationToken);
            foreach (string problem in found.Problems)
            {
                if (told.Add(problem)) terminal.Say(problem);
            }
        }
        while (watch && await turns.WaitForNextTickAsync(cancellationToken));
    }
}

/// <summary>The form in which containers are printed.</summary>
/// <param name="Format">A template, as docker and podman take it; null for a form of Watari's own.</param>
internal sealed record PsForm(OutputFormat Output, string? Format, bool Quiet, bool Full, bool WithSizes)
{
    private const int ShortCommand = 20, ShortMount = 15;
    private const string Table = "table";

    /// <summary>What stands over the columns of a template's table, where it is not the field's name (docker/cli formatter/container.go).</summary>
    private static readonly Dictionary<string, string> s_titles = new(StringComparer.Ordinal)
    {
        ["ID"] = "CONTAINER ID",
        ["RunningFor"] = "CREATED",
        ["CreatedAt"] = "CREATED AT",
        ["LocalVolumes"] = "LOCAL VOLUMES",
        ["ExitCode"] = "EXIT CODE",
    };

    /// <exception cref="CommandException">The template is none.</exception>
    public void Print(Terminal terminal, IReadOnlyList<ContainerDescription> containers)
    {
        if (Quiet)
        {
            foreach (ContainerDescription container in containers) terminal.Out.WriteLine(Printer.Clean(Full ? container.Id : PsCommand.Short(container.Id)));
        }
        else if (Format is null or Table)
        {
            PrintOwn(terminal, containers);
        }
        else if (Format.StartsWith($"{Table} ", StringComparison.Ordinal))
        {
            FieldTemplate[] cells = [.. Format[Table.Length..].Trim().Replace(@"\t", "\t", StringComparison.Ordinal).Split('\t').Select(FieldTemplate.Parse)];
            Printer.Table(terminal.Out, [.. containers.Select(Row)], [.. cells.Select(cell => new Column<JsonObject>(cell.Title(s_titles), cell.Of))]);
        }
        else
        {
            var template = FieldTemplate.Parse(Format == "json" ? "{{json .}}" : Format);
            foreach (ContainerDescription container in containers) terminal.Out.WriteLine(template.Of(Row(container)));
        }
    }

    private void PrintOwn(Terminal terminal, IReadOnlyList<ContainerDescription> containers)
    {
        List<Column<ContainerView>> columns =
        [
            new("CONTAINER ID", c => c.Row["ID"]),
            new("IMAGE", c => c.Row["Image"]),
            new("COMMAND", c => c.Row["Command"]),
            new("CREATED", c => c.Row["RunningFor"]),
            new("STATUS", c => c.Row["Status"]),
            new("PORTS", c => c.Row["Ports"]),
            new("NAMES", c => c.Row["Names"]),
            new("VM", c => $"{c.Host}/{c.Vm}"),
            new("RUNTIME", c => c.Runtime, Wide: true),
            new("PID", c => c.Pid == 0 ? "-" : $"{c.Pid}", Wide: true, Right: true),
            new("PROCS", c => $"{c.Processes}", Wide: true, Right: true),
            new("THREADS", c => $"{c.Threads}", Wide: true, Right: true),
            new("MEMORY", c => Human.Bytes(c.ResidentBytes), Wide: true, Right: true),
            new("CGROUP", c => c.Cgroup, Wide: true),
        ];
        if (WithSizes) columns.Insert(columns.Count - 6, new("SIZE", c => c.Row["Size"]));
        ContainerView[] views = [.. containers.Select(container => ContainerView.Of(container) with { Row = new PsRow(Row(container)) })];
        Printer.List(terminal, Output, views, Views.Default.IReadOnlyListContainerView, [.. columns]);
    }

    /// <summary>The fields of a template: Docker's, by Docker's names and cut as Docker cuts them, and some of Watari's own.</summary>
    private JsonObject Row(ContainerDescription container)
    {
        JsonObject row = container.DockerRow is { } docker ? JsonNode.Parse(docker)!.AsObject()
            : new JsonObject { ["ID"] = container.Id, ["Names"] = container.Name, ["Image"] = "", ["Command"] = $"\"{container.Command}\"", ["State"] = Words.Of(container.Status), ["Status"] = Words.Of(container.Status) };
        if (!Full)
        {
            row["ID"] = PsCommand.Short(container.Id);
            Shorten(row, "Command", command => command.Length > ShortCommand + 2 ? $"{command[..ShortCommand].TrimEnd('\\')}…\"" : command);
            Shorten(row, "Image", image => image.StartsWith("sha256:", StringComparison.Ordinal) ? PsCommand.Short(image["sha256:".Length..]) : image);
            Shorten(row, "Mounts", mounts => string.Join(',', mounts.Split(',').Select(mount => mount.Length > ShortMount ? $"{mount[..(ShortMount - 1)]}…" : mount)));
        }

        row["Vm"] = container.Vm.Vm;
        row["Host"] = container.Vm.Host;
        row["Runtime"] = container.Runtime;
        row["Pid"] = container.InitPid;
        row["ExitCode"] = container.Details?.ExitCode ?? 0;
        row["ImageID"] = container.Details?.ImageId ?? "";
        row["Pod"] = container.Details?.Pod ?? "";
        return row;
    }

    private static void Shorten(JsonObject row, string field, Func<string, string> shorten)
    {
        if (row.TryGetPropertyValue(field, out JsonNode? value) && value?.GetValue<string>() is { } text) row[field] = shorten(text);
    }
}

/// <summary>A row by the names of its fields; a field that it has not is empty.</summary>
internal readonly record struct PsRow(JsonObject? Fields)
{
    public string this[string field] => Fields is not null && Fields.TryGetPropertyValue(field, out JsonNode? value) ? value?.ToString() ?? "" : "";
}
