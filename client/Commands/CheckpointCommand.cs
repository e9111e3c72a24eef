using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari checkpoint</c>.</summary>
internal static class CheckpointCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        WorkloadArguments workload = new(new("--vm") { Description = "The VM it is in, where its name alone does not say", HelpName = "VM" });
        Option<FileInfo> export = new("--export", "-e") { Description = "Archive to save it in, on the host of the VM: podman, CRI-O and checkpointctl read it", HelpName = "FILE" };
        Option<DirectoryInfo> directory = new("--directory") { Description = "Instead of an archive: directory for CRIU's images alone, on the host of the VM", HelpName = "DIR" };
        Option<Compression?> compress = new("--compress", "-c")
        {
            Description = "How the archive is packed: none, gzip or zstd [by its name: .tar, .tar.gz; else zstd]",
            HelpName = "HOW",
            CustomParser = result => Words.Parse<Compression>(result, "compression"),
        };
        Option<bool> leaveRunning = new("--leave-running", "-R") { Description = "Let the container run on; without it, it is killed once it is saved" };
        Option<bool> ignoreRootfs = new("--ignore-rootfs") { Description = "Leave the files that the container has changed out of the archive" };
        Option<bool> ignoreVolumes = new("--ignore-volumes") { Description = "Leave the container's named volumes out of the archive" };
        Option<OutputFormat> form = OutputOption.New(OutputFormat.Table, OutputFormat.Json, OutputFormat.Yaml);
        Command command = new("checkpoint", "Save a container in an archive, or as a set of CRIU images");
        workload.AddTo(command);
        foreach (Option option in new Option[] { export, directory, compress, leaveRunning, ignoreRootfs, ignoreVolumes, form }) command.Options.Add(option);
        command.Validators.Add(result =>
        {
            bool archive = result.GetResult(export) is not null;
            if (archive == result.GetResult(directory) is not null) result.AddError("Name an archive with --export, or a directory with --directory.");
            foreach (Option option in new Option[] { compress, ignoreRootfs, ignoreVolumes })
            {
                if (!archive && result.GetResult(option) is { Implicit: false }) result.AddError($"{option.Name} is about an archive: name one with --export.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            (VmId vm, WorkloadId saved) = await workload.ResolveAsync(parsed, cluster, cancellationToken);
            var key = new StepKey(JobId.New(), default(Epoch).Next(), "checkpoint");
            CheckpointOptions options = parsed.GetValue(export) is { } file
                ? new(file.FullName, CheckpointForm.Archive, parsed.GetValue(leaveRunning), parsed.GetValue(compress) ?? OfName(file.Name), parsed.GetValue(ignoreRootfs), parsed.GetValue(ignoreVolumes))
                : new(parsed.GetValue(directory)!.FullName, CheckpointForm.Directory, parsed.GetValue(leaveRunning));
            IContainerGrain container = cluster.Grains.GetContainerGrain(vm, saved);
            terminal.Error.WriteLine(Printer.Clean($"{saved}: saving to {options.Path} on host {vm.Host}"));
            EngineReport report = await LongStep.FinishAsync(
                () => container.CheckpointAsync(key, options, LongStep.Patience),
                () => terminal.Say($"interrupted; host {vm.Host} finishes the checkpoint of {saved}, which then {(options.LeaveRunning ? "runs on" : "is ended")} in {vm}"),
                cancellationToken);
            foreach (ObjectVerdict verdict in report.Objections ?? []) terminal.Error.WriteLine(Printer.Clean($"note: {verdict.Subject}: {verdict.Reason}"));
            Report(terminal, parsed.GetValue(form), new CheckpointView(
                saved.ToString(), vm.Vm, vm.Host, options.Path, [.. report.Phases.Select(PhaseView.Of)],
                report.Transfer is { } transfer ? TransferView.Of(transfer) : null, [.. (report.Objections ?? []).Select(VerdictView.Of)]));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Compression OfName(string name) =>
        name.EndsWith(".tar", StringComparison.Ordinal) ? Compression.None
        : name.EndsWith(".gz", StringComparison.Ordinal) || name.EndsWith(".tgz", StringComparison.Ordinal) ? Compression.Gzip
        : Compression.Zstd;

    private static void Report(Terminal terminal, OutputFormat format, CheckpointView view)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, view, Views.Default.CheckpointView);
            return;
        }

        string phases = string.Join(", ", view.Phases.Select(p => $"{p.Name} {Human.Milliseconds(p.Milliseconds)}"));
        string pages = view.Pages is { } p ? $", {Human.Bytes(p.TotalBytes)} of memory" : "";
        terminal.Out.WriteLine(Printer.Clean($"saved {view.Workload} of {view.Host}/{view.Vm} to {view.Path} ({phases} ms{pages})"));
    }
}
