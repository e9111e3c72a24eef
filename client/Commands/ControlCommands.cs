using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari pause</c>, <c>unpause</c> and <c>kill</c>: as those of docker and podman, from outside the virtual machine; and <c>stop</c>, which only a container's own engine can do.</summary>
internal static class ControlCommands
{
    public static Command BuildPause(Connector connect, Terminal terminal) => Build(
        connect, terminal, new("pause", "Freeze all processes of containers"), "paused", "Pause all that run", ContainerStatus.Running,
        (_, container, key, by) => container.PauseAsync(key, by, LongStep.Patience));

    public static Command BuildUnpause(Connector connect, Terminal terminal) => Build(
        connect, terminal, new("unpause", "Let paused containers run on"), "unpaused", "Unpause all that are paused", ContainerStatus.Paused,
        (_, container, key, by) => container.UnpauseAsync(key, by, LongStep.Patience));

    public static Command BuildKill(Connector connect, Terminal terminal)
    {
        Option<Signal?> signal = SignalOption("The signal for their first processes: TERM, SIGTERM, 15 or RTMIN+3; KILL ends all of them");
        signal.DefaultValueFactory = _ => Signal.Kill;
        Command command = new("kill", "Send containers a signal") { signal };
        return Build(connect, terminal, command, "killed", "Kill all that run", ContainerStatus.Running, (parsed, container, key, by) => container.KillAsync(key, parsed.GetValue(signal)!.Value, by, LongStep.Patience), signal);
    }

    public static Command BuildStop(Connector connect, Terminal terminal)
    {
        Option<Signal?> signal = SignalOption("The signal that asks them to end: TERM, SIGTERM, 15 or RTMIN+3; without it, the one that each was made with");
        Option<int?> time = new("--time", "-t", "--timeout") { Description = "Seconds until what has not ended is killed; without it, as each was made with, or 10", HelpName = "SECONDS" };
        time.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 0 or > 86_400) result.AddError("--time is from 0 to 86400 seconds.");
        });
        Command command = new("stop", "Have containers ended by their own engines, by the agent in their VMs") { time, signal };
        return Build(
            connect, terminal, command, "stopped", "Stop all that run", ContainerStatus.Running,
            (parsed, container, key, _) => container.StopAsync(key, new StopOptions(parsed.GetValue(signal), parsed.GetValue(time) is { } seconds ? TimeSpan.FromSeconds(seconds) : null), LongStep.Patience),
            signal, byAgent: true);
    }

    private static Option<Signal?> SignalOption(string description) => new("--signal", "-s")
    {
        Description = description,
        HelpName = "SIGNAL",
        CustomParser = result =>
        {
            if (Signal.TryParse(result.Tokens[0].Value, out Signal named)) return named;
            result.AddError($"'{result.Tokens[0].Value}' is no signal: write a name as TERM or SIGTERM, or a number from 1 to {Signal.Last}.");
            return null;
        },
    };

    /// <param name="done">What has been done, in a word.</param>
    /// <param name="all">Description of <c>--all</c>.</param>
    /// <param name="among">What <c>--all</c> chooses.</param>
    /// <param name="act">Asks for it, and again under the same key.</param>
    /// <param name="signal">Of a kill or a stop.</param>
    /// <param name="byAgent">Nobody but the agent can do it; and what has ended is as it is wanted.</param>
    private static Command Build(
        Connector connect, Terminal terminal, Command command, string done, string all, ContainerStatus among,
        Func<ParseResult, IContainerGrain, StepKey, Actor, Task<StepAnswer>> act, Option<Signal?>? signal = null, bool byAgent = false)
    {
        Argument<string[]> names = new("CONTAINER") { Description = "Names or ids of containers", Arity = ArgumentArity.ZeroOrMore };
        Option<bool> everyone = new("--all", "-a") { Description = all };
        Option<string?> vm = new("--vm") { Description = "Where to look for them (VM, or HOST/VM)", HelpName = "VM" };
        Option<Actor> by = new("--by")
        {
            Description = "Who does it: outside (the host), or the agent in its VM",
            HelpName = "WHO",
            DefaultValueFactory = _ => Actor.Outside,
            CustomParser = result => Words.Parse<Actor>(result, "one to do it"),
        };
        Option<OutputFormat> form = OutputOption.New(OutputFormat.Table, OutputFormat.Json, OutputFormat.Yaml);
        command.Arguments.Add(names);
        foreach (Option option in byAgent ? new Option[] { everyone, vm, form } : [everyone, vm, by, form]) command.Options.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetValue(names) is { Length: > 0 } == result.GetValue(everyone)) result.AddError("Name containers, or take them all with --all.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            bool plain = parsed.GetValue(form) == OutputFormat.Table;
            List<ControlView> views = [];
            int code = ExitCodes.Done;
            foreach ((string name, ContainerDescription? known) in await ChosenAsync(parsed, cluster, cancellationToken))
            {
                try
                {
                    ContainerDescription container = known ?? await ResolveAsync(cluster, name, parsed.GetValue(vm), cancellationToken);
                    Actor actor = byAgent ? Actor.Agent : parsed.GetValue(by);
                    var key = new StepKey(JobId.New(), default(Epoch).Next(), command.Name);
                    IContainerGrain place = cluster.Grains.GetContainerGrain(container.Vm, WorkloadId.OfContainer(container.Id));
                    EngineReport report = (await LongStep.UntilFinishedAsync(() => act(parsed, place, key, actor), cancellationToken)).Report!;
                    var view = ControlView.Of(container, command.Name, signal is null ? null : parsed.GetValue(signal), actor, report);
                    views.Add(view);
                    if (plain) terminal.Out.WriteLine(Printer.Clean(name));
                    terminal.Error.WriteLine(Printer.Clean(Sentence(done, view)));
                }
                catch (EngineException e)
                {
                    terminal.Say(Printer.Clean(e.Message));
                    if (code == ExitCodes.Done) code = ExitCodes.Of(e.Kind);
                }
            }

            if (!plain) Printer.Document(terminal, parsed.GetValue(form), views, Views.Default.IReadOnlyListControlView);
            return code;
        });
        return command;

        async Task<ContainerDescription> ResolveAsync(Conversation cluster, string name, string? where, CancellationToken cancellationToken)
        {
            try
            {
                return await cluster.Cluster.ResolveRunningContainerAsync(name, where, cancellationToken);
            }
            catch (EngineException e) when (byAgent && e.Kind == FailureKind.Refused)
            {
                return await cluster.Cluster.ResolveContainerAsync(name, where, cancellationToken);
            }
        }

        async Task<IReadOnlyList<(string Name, ContainerDescription? Known)>> ChosenAsync(ParseResult parsed, Conversation cluster, CancellationToken cancellationToken)
        {
            if (!parsed.GetValue(everyone)) return [.. parsed.GetValue(names)!.Select(name => (name, (ContainerDescription?)null))];
            Listing<ContainerDescription> found = await cluster.Cluster.ListContainersAsync(parsed.GetValue(vm), cancellationToken: cancellationToken);
            foreach (string problem in found.Problems) terminal.Say(problem);
            return [.. found.Items.Where(container => container.Status == among).Select(container => (container.Id, container))];
        }
    }

    /// <summary>E.g. <c>paused redis in host-a/vm-a from outside (4.1 ms)</c>.</summary>
    private static string Sentence(string done, ControlView view)
    {
        string what = view.Action != "kill" || view.Signal == Signal.Kill.ToString() ? $"{done} {view.Name}" : $"sent {view.Signal} to {view.Name}";
        string way = view.By == Words.Of(Actor.Agent) ? "by the agent in it" : "from outside";
        string notes = string.Concat(view.Notes.Select(note => $"; {note}"));
        return $"{what} in {view.Host}/{view.Vm} {way} ({Human.Milliseconds(view.Milliseconds)} ms){notes}";
    }
}
