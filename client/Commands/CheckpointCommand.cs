using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari checkpoint</c>.</summary>
internal static class CheckpointCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static Command Build(Connector connect, Terminal terminal)
    {
        WorkloadArguments workload = new(new("--vm") { Description = "The VM it is in, where its name alone does not say", HelpName = "VM" });
        Option<DirectoryInfo> directory = new("--output") { Description = "Directory for the images, on the host of the VM", HelpName = "DIR", Required = true };
        Option<bool> leaveRunning = new("--leave-running", "-R") { Description = "Let the container run on; without it, it is killed once it is saved" };
        Option<OutputFormat> form = new("--format") { Description = "Form of the output: table, json or yaml", HelpName = "FORM", DefaultValueFactory = _ => OutputFormat.Table };
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
            StepAnswer answer;
            do
            {
                answer = await container.CheckpointAsync(key, path, parsed.GetValue(leaveRunning), Patience).WaitAsync(cancellationToken);
            }
            while (!answer.Finished);

            Report(terminal, parsed.GetValue(form), new CheckpointView(
                saved.ToString(), vm.Vm, vm.Host, path, [.. answer.Report!.Phases.Select(PhaseView.Of)],
                answer.Report.Transfer is { } transfer ? TransferView.Of(transfer) : null));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Report(Terminal terminal, OutputFormat format, CheckpointView view)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, view, Views.Default.CheckpointView);
            return;
        }

        string phases = string.Join(", ", view.Phases.Select(p => $"{p.Name} {Human.Milliseconds(p.Milliseconds)}"));
        string pages = view.Pages is { } p ? $", {p.NormalPages} pages, {p.ZeroPages} of zeroes left out" : "";
        terminal.Out.WriteLine(Printer.Clean($"saved {view.Workload} of {view.Host}/{view.Vm} to {view.Directory} ({phases} ms{pages})"));
    }
}
