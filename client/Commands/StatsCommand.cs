using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari stats</c>: as docker stats, from outside the virtual machines.</summary>
internal static class StatsCommand
{
    private const string ClearScreen = "\u001b[2J\u001b[H";

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string[]> names = new("CONTAINER") { Description = "Names or ids of containers; all where none is given", Arity = ArgumentArity.ZeroOrMore };
        Option<string?> vm = new("--vm") { Description = "Only containers in this VM (VM, or HOST/VM)", HelpName = "VM" };
        Option<bool> once = new("--no-stream") { Description = "Print one measurement, and end" };
        Option<double> interval = new("--interval", "-i") { Description = "Seconds from one measurement to the next", HelpName = "SECONDS", DefaultValueFactory = _ => 1 };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("stats", "Show what containers use, read from outside") { names, vm, once, interval, output };
        command.Validators.Add(result =>
        {
            // A document has an end, which a stream has not.
            if (!result.GetValue(once) && result.GetValue(output) is OutputFormat.Json or OutputFormat.Yaml) result.AddError("-o json and -o yaml need --no-stream.");
        });
        interval.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (>= 0.1 and <= 3600)) result.AddError("--interval is from 0.1 to 3600 seconds.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            string? where = parsed.GetValue(vm);
            ContainerDescription[] wanted = await Task.WhenAll(
                parsed.GetValue(names)!.Select(name => cluster.Cluster.ResolveRunningContainerAsync(name, where, cancellationToken)));
            await ShowAsync(
                () => SampleAsync(cluster, wanted, where, cancellationToken),
                terminal, parsed.GetValue(output), parsed.GetValue(once), TimeSpan.FromSeconds(parsed.GetValue(interval)), cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <param name="sample">Measures all that is asked for.</param>
    internal static async Task ShowAsync(
        Func<Task<Listing<UsageSample>>> sample, Terminal terminal, OutputFormat format, bool once, TimeSpan interval, CancellationToken cancellationToken)
    {
        bool redraws = !once && terminal.IsLive && !Console.IsOutputRedirected;
        Listing<UsageSample> before = await sample();
        foreach (string problem in before.Problems) terminal.Say(problem);
        using var turns = new PeriodicTimer(interval);
        while (await turns.WaitForNextTickAsync(cancellationToken))
        {
            Listing<UsageSample> now = await sample();
            if (redraws) terminal.Out.Write(ClearScreen);
            Print(terminal, format, Views(before, now));
            foreach (string problem in now.Problems.Except(before.Problems)) terminal.Say(problem);
            terminal.Out.Flush();
            if (once) break;
            before = now;
        }
    }

    private static async Task<Listing<UsageSample>> SampleAsync(Conversation cluster, ContainerDescription[] wanted, string? vm, CancellationToken cancellationToken)
    {
        IEnumerable<VmId> vms = wanted.Length > 0 ? wanted.Select(container => container.Vm).Distinct()
            : vm is not null ? [await cluster.Cluster.ResolveVmAsync(vm, cancellationToken)]
            : (await cluster.Cluster.ListVmsAsync(cancellationToken)).Items.Where(found => found.Status is VmStatus.Running or VmStatus.Paused).Select(found => found.Id);
        HashSet<(VmId, string)> only = [.. wanted.Select(container => (container.Vm, container.Id))];
        (UsageSample? Sample, string? Problem)[] answers = await Task.WhenAll(vms.Select(async id =>
        {
            try
            {
                return (await cluster.Grains.GetGrain<IVmGrain>(id.ToString()).ReadUsageAsync(cancellationToken), (string?)null);
            }
            catch (EngineException e) when (wanted.Length == 0 && vm is null)
            {
                return ((UsageSample?)null, $"{id}: {e.Message}"); // one of many: the others are shown
            }
        }));
        return new Listing<UsageSample>(
            [.. answers.Select(a => a.Sample).OfType<UsageSample>().Select(s => only.Count == 0 ? s : s with { Containers = [.. s.Containers.Where(c => only.Contains((s.Vm, c.Id)))] })],
            [.. answers.Select(a => a.Problem).OfType<string>()]);
    }

    private static UsageView[] Views(Listing<UsageSample> before, Listing<UsageSample> now) =>
    [
        .. from sample in now.Items
           let earlier = before.Items.FirstOrDefault(s => s.Vm == sample.Vm)
           let passed = earlier is null ? TimeSpan.Zero : sample.At - earlier.At
           from usage in sample.Containers
           select UsageView.Of(sample.Vm, usage, earlier?.Containers.FirstOrDefault(c => c.Id == usage.Id), passed),
    ];

    private static void Print(Terminal terminal, OutputFormat format, IReadOnlyList<UsageView> usages) => Printer.List(
        terminal, format, usages, Output.Views.Default.IReadOnlyListUsageView,
        new("CONTAINER ID", u => PsCommand.Short(u.Id)),
        new("NAME", u => u.Name),
        new("VM", u => $"{u.Host}/{u.Vm}"),
        new("CPU %", u => Human.Percent(u.CpuPercent), Right: true),
        new("MEM USAGE / LIMIT", u => $"{Bytes(u.MemoryBytes)} / {Bytes(u.MemoryLimitBytes)}", Right: true),
        new("MEM %", u => Human.Percent(u.MemoryPercent), Right: true),
        new("PIDS", u => u.Tasks?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "--", Right: true),
        new("CPU WAIT", u => Human.Percent(u.CpuPressurePercent), Wide: true, Right: true),
        new("MEM WAIT", u => Human.Percent(u.MemoryPressurePercent), Wide: true, Right: true),
        new("IO WAIT", u => Human.Percent(u.IoPressurePercent), Wide: true, Right: true));

    private static string Bytes(long? bytes) => bytes is { } known ? Human.Bytes(known) : "--";
}
