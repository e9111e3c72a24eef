using System.CommandLine;
using System.Globalization;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari migrate</c>.</summary>
internal static class MigrateCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        WorkloadArguments workload = new(new("--from") { Description = "The VM it is in, where its name alone does not say", HelpName = "VM" });
        Option<string> to = new("--to") { Description = "The VM to move it to (VM, or HOST/VM)", HelpName = "VM", Required = true };
        Option<bool> dryRun = new("--dry-run") { Description = "Say what would be carried and what would be refused; touch nothing" };
        Option<bool> detach = new("--detach", "-d") { Description = "Print the job's id and do not wait" };
        Option<TimeSpan?> timeout = new("--timeout")
        {
            Description = "Turn back if it is not ready to commit after this time, e.g. 30s or 2m",
            HelpName = "TIME",
            CustomParser = result =>
            {
                if (TryParseTime(result.Tokens[0].Value, out TimeSpan time)) return time;
                result.AddError($"'{result.Tokens[0].Value}' is no time: write 90, 90s, 2m or 1h.");
                return null;
            },
        };
        Option<int> streams = new("--streams") { Description = "Parallel connections for the pages", HelpName = "N", DefaultValueFactory = _ => 4 };
        Option<Freezer> freezer = new("--freezer")
        {
            Description = "Who makes it stand still: outside (the host), or the agent in its VM",
            HelpName = "WHO",
            DefaultValueFactory = _ => Freezer.Outside,
            CustomParser = result => Words.Parse<Freezer>(result, "freezer"),
        };
        Option<MemoryMode?> memory = new("--memory")
        {
            Description = "How its memory is written: in-place, or by a landing-zone, which keeps copy-on-write [what suits it]",
            HelpName = "HOW",
            CustomParser = result => Words.Parse<MemoryMode>(result, "way to write memory"),
        };
        Option<bool> keepSource = new("--keep-source") { Description = "Leave the source's container there when it has ended, instead of removing it" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("migrate", "Move a running container to another virtual machine") { to };
        workload.AddTo(command);
        foreach (Option option in new Option[] { dryRun, detach, timeout, streams, freezer, memory, keepSource, output }) command.Options.Add(option);
        streams.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MigrationRequest.MaxStreams) result.AddError($"--streams can be 1 to {MigrationRequest.MaxStreams}.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            (VmId source, WorkloadId moved) = await BeforeAllAsync("Nothing was touched.", () => workload.ResolveAsync(parsed, cluster, cancellationToken));
            string untouched = Untouched(moved, source);
            VmId destination = await BeforeAllAsync(untouched, () => cluster.Cluster.ResolveVmAsync(parsed.GetValue(to)!, cancellationToken));
            var request = new MigrationRequest(moved, source, destination, parsed.GetValue(streams), parsed.GetValue(timeout), parsed.GetValue(freezer), parsed.GetValue(memory), parsed.GetValue(keepSource));
            IMigrationGrain job = cluster.Job(JobId.New());
            if (parsed.GetValue(dryRun)) return Plan(terminal, parsed.GetValue(output), request, await BeforeAllAsync(untouched, () => job.PlanAsync(request)));
            MigrationJob started = await BeforeAllAsync(untouched, () => job.StartAsync(request));
            if (parsed.GetValue(detach))
            {
                terminal.Out.WriteLine(started.Id);
                return ExitCodes.Done;
            }

            MigrationJob? end = await JobWatch.FollowAsync(cluster, terminal, started, cancelFirst: true);
            return Report(terminal, parsed.GetValue(output), end);
        });
        return command;
    }

    /// <summary>The result as data: the last line, or the document.</summary>
    /// <param name="job">Null: the watcher went away before the job was settled, and has said so.</param>
    public static int Report(Terminal terminal, OutputFormat format, MigrationJob? job)
    {
        if (job is null) return ExitCodes.Interrupted;
        int code = ExitCodes.Of(job);
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, MigrationView.Of(job), Views.Default.MigrationView);
            if (code != ExitCodes.Done) Explain(terminal, job);
        }
        else if (code == ExitCodes.Done)
        {
            terminal.Out.WriteLine(Printer.Clean(Sentences.Last(job)));
        }
        else
        {
            Explain(terminal, job);
        }

        return code;
    }

    private static void Explain(Terminal terminal, MigrationJob job)
    {
        terminal.Say(Printer.Clean(Sentences.Last(job)));
        foreach (string line in Sentences.Details(job.Failure)) terminal.Error.WriteLine($"  {line}");
    }

    private static string Files(ManagedView? managed) => managed is null ? "" : managed.Volumes.Count switch
    {
        0 => $", {Human.Bytes(managed.FileBytes)} of files",
        1 => $", {Human.Bytes(managed.FileBytes)} of files with volume {managed.Volumes[0]}",
        _ => $", {Human.Bytes(managed.FileBytes)} of files with volumes {string.Join(", ", managed.Volumes)}",
    };

    private static string Untouched(WorkloadId workload, VmId source) => $"{workload} was not touched; it is in {source}.";

    /// <summary>What fails before there is a job is refused, unless it was not found; the person learns where the container is.</summary>
    private static async Task<T> BeforeAllAsync<T>(string untouched, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (EngineException e) when (e.Kind is not FailureKind.Internal)
        {
            // What elsewhere ends a job, or leaves its outcome unknown, is no more than a refusal before there is one.
            int code = e.Kind is FailureKind.VmLost or FailureKind.HostLost ? ExitCodes.Refused : ExitCodes.Of(e.Kind);
            throw new CommandException(code == ExitCodes.RolledBack ? ExitCodes.Refused : code, $"{e.Message} {untouched}");
        }
    }

    internal static bool TryParseTime(string text, out TimeSpan time)
    {
        double unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        string number = unit == 0 ? text : text[..^1];
        bool good = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value is > 0 and < 1e6;
        time = good ? TimeSpan.FromSeconds(value * (unit == 0 ? 1 : unit)) : default;
        return good;
    }

    private static int Plan(Terminal terminal, OutputFormat format, MigrationRequest request, MigrationPlan plan)
    {
        var view = PlanView.Of(request, plan);
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, view, Views.Default.PlanView);
        }
        else
        {
            if (view.Objects.Count > 0)
            {
                Printer.Table<VerdictView>(terminal.Out, view.Objects, [new("VERDICT", v => v.Verdict), new("OBJECT", v => v.Subject), new("REASON", v => v.Reason)]);
            }

            terminal.Out.WriteLine(Printer.Clean(
                $"{view.Workload} {view.From} -> {view.To}: {(view.Accepted ? "can be migrated" : "would be refused")}, {view.CarriedObjects} objects carried, {Human.Bytes(view.ResidentBytes)} of memory at most{Files(view.Managed)}"));
        }

        if (plan.Refusal is null) return ExitCodes.Done;
        terminal.Say($"{plan.Refusal} {Untouched(request.Workload, request.Source)}");
        return ExitCodes.Refused;
    }
}
