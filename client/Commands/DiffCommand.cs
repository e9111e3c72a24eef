using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Files;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari diff</c>: as docker diff, from outside the virtual machine.</summary>
internal static class DiffCommand
{
    private const string Letters = "CAD"; // by FileChangeKind

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string> name = new("CONTAINER") { Description = "Name or id of the container" };
        Option<string?> vm = ContainerPath.VmOption();
        Option<OutputFormat> output = OutputOption.New(OutputFormat.Table, OutputFormat.Json, OutputFormat.Yaml);
        Command command = new("diff", "List what a container has changed of its image: A added, C changed, D deleted") { name, vm, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerFiles files = await ContainerFiles.ResolveAsync(cluster, parsed.GetRequiredValue(name), parsed.GetValue(vm), cancellationToken);
            List<FileChangeDescription> changes = [];
            ChangesPiece piece;
            do
            {
                piece = await files.Grain.ListChangesAsync(files.Container, changes.Count, cancellationToken);
                changes.AddRange(piece.Changes);
            }
            while (!piece.IsLast);
            if (parsed.GetValue(output) is not OutputFormat.Table and var format)
                Printer.Document(terminal, format, [.. changes.Select(FileChangeView.Of)], FileViews.Default.IReadOnlyListFileChangeView);
            else
                foreach (FileChangeDescription change in changes) terminal.Out.WriteLine($"{Letters[(int)change.Kind]} {GuestBytes.Text(change.Path.AsSpan())}");
            return ExitCodes.Done;
        });
        return command;
    }
}
