using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari restore</c>.</summary>
internal static class RestoreCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<FileInfo> archive = new("FILE") { Description = "Archive of 'watari checkpoint --export' or 'podman container checkpoint --export', on the host of the VM" };
        Option<string> to = new("--to") { Description = "The VM to restore it into (VM, or HOST/VM)", HelpName = "VM", Required = true };
        Option<string?> name = new("--name", "-n") { Description = "A new name for the container, with which it gets a new id", HelpName = "NAME" };
        Option<bool> ignoreVolumes = new("--ignore-volumes") { Description = "Without what the archive has of the container's named volumes: the VM's are taken, or empty ones" };
        Option<OutputFormat> output = OutputOption.New(OutputFormat.Table, OutputFormat.Json, OutputFormat.Yaml);
        Command command = new("restore", "Restore a container out of an archive into a virtual machine") { archive, to, name, ignoreVolumes, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            VmId vm = await cluster.Cluster.ResolveVmAsync(parsed.GetValue(to)!, cancellationToken);
            var options = new ArchiveRestore(parsed.GetValue(archive)!.FullName, parsed.GetValue(name), parsed.GetValue(ignoreVolumes));
            IRestoreGrain restore = cluster.Grains.GetGrain<IRestoreGrain>(JobId.New());
            terminal.Error.WriteLine(Printer.Clean($"{options.Path}: restoring into {vm}"));
            EngineReport report = await LongStep.FinishAsync(
                () => restore.RestoreAsync(vm, options, LongStep.Patience),
                () => terminal.Say($"interrupted; host {vm.Host} finishes the restore of {options.Path} into {vm}"),
                cancellationToken);
            foreach (ObjectVerdict note in report.Objections ?? []) terminal.Error.WriteLine(Printer.Clean($"note: {note.Subject}: {note.Reason}"));
            Report(terminal, parsed.GetValue(output), new RestoreView(report.Container!, options.Name, vm.Vm, vm.Host, options.Path, [.. report.Phases.Select(PhaseView.Of)]));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Report(Terminal terminal, OutputFormat format, RestoreView view)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, view, Views.Default.RestoreView);
            return;
        }

        string phases = string.Join(", ", view.Phases.Select(p => $"{p.Name} {Human.Milliseconds(p.Milliseconds)}"));
        terminal.Out.WriteLine(Printer.Clean($"restored {view.Name ?? view.Container} from {view.Path} into {view.Host}/{view.Vm} ({phases} ms)"));
    }
}
