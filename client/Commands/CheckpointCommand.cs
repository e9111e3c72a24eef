using System.CommandLine;
using System.Diagnostics;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari checkpoint</c>.</summary>
internal static class CheckpointCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SilencePatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    public static Command Build(Connector connect, Terminal terminal)
    {
        WorkloadArguments workload = new(new("--vm") { Description = "The VM it is in, where its name alone does not say", HelpName = "VM" });
        Option<DirectoryInfo> directory = new("--output") { Description = "Directory for the images, on the host of the VM", HelpName = "DIR", Required = true };
        Option<bool> leaveRunning = new("--leave-running", "-R") { Description = "Let the container run on; without it, it is killed once it is saved" };
        Option<OutputFormat> form = OutputOption.Named("--format", [], OutputFormat.Table, OutputFormat.Json, OutputFormat.Yaml);
        Command command = new("checkpoint", "Save a container as a set of CRIU images");
        workload.AddTo(command);
        foreach (Option option in new Option[] { directory, leaveRunning, form }) command.Options.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            (VmId vm, WorkloadId saved) = await workload.ResolveAsync(parsed, cluster, cancellationToken);
            var key = new StepKey(JobId.New(), default(Epoch).Next(), "checkpoint");
            string path = parsed.GetValue(directory)!.FullName;
            IContainerGrain container = cluster.Grains.GetContainerGrain(vm, saved);
            terminal.Error.WriteLine(Printer.Clean($"{saved}: saving to {path} on host {vm.Host}"));
            EngineReport report = await FinishAsync(
                () => container.CheckpointAsync(key, path, parsed.GetValue(leaveRunning), Patience),
                () => terminal.Say($"interrupted; host {vm.Host} finishes the checkpoint of {saved}, which then {(parsed.GetValue(leaveRunning) ? "runs on" : "is ended")} in {vm}"),
                cancellationToken);
            foreach (ObjectVerdict verdict in report.Objections ?? []) terminal.Error.WriteLine(Printer.Clean($"note: {verdict.Subject}: {verdict.Reason}"));
            Report(terminal, parsed.GetValue(form), new CheckpointView(
                saved.ToString(), vm.Vm, vm.Host, path, [.. report.Phases.Select(PhaseView.Of)],
                report.Transfer is { } transfer ? TransferView.Of(transfer) : null, [.. (report.Objections ?? []).Select(VerdictView.Of)]));
            return ExitCodes.Done;
        });
        return command;
    }

    private static async Task<EngineReport> FinishAsync(Func<Task<StepAnswer>> ask, Action interrupted, CancellationToken cancellationToken)
    {
        try
        {
            return (await UntilFinishedAsync(ask, cancellationToken)).Report!;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            interrupted();
            throw;
        }
    }

    /// <summary>Asks again under the same key, also where an answer is lost because a silo dies.</summary>
    internal static async Task<StepAnswer> UntilFinishedAsync(Func<Task<StepAnswer>> ask, CancellationToken cancellationToken)
    {
        long heard = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                StepAnswer answer = await ask().WaitAsync(cancellationToken);
                if (answer.Finished) return answer;
                heard = Stopwatch.GetTimestamp();
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or EngineException { Kind: FailureKind.HostLost } && Stopwatch.GetElapsedTime(heard) < SilencePatience)
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private static void Report(Terminal terminal, OutputFormat format, CheckpointView view)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, view, Views.Default.CheckpointView);
            return;
        }

        string phases = string.Join(", ", view.Phases.Select(p => $"{p.Name} {Human.Milliseconds(p.Milliseconds)}"));
        string pages = view.Pages is { } p ? $", {Human.Bytes(p.TotalBytes)} of memory" : "";
        terminal.Out.WriteLine(Printer.Clean($"saved {view.Workload} of {view.Host}/{view.Vm} to {view.Directory} ({phases} ms{pages})"));
    }
}
