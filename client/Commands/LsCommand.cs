using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Files;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari ls</c>: as ls(1) in the container, from outside the virtual machine.</summary>
internal static class LsCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<ContainerPath> path = ContainerPath.Argument("path", "A directory or file of a container; the container alone is its root", mayBeRoot: true);
        Option<bool> all = new("--all", "-a") { Description = "Names that begin with a dot, too" };
        Option<bool> list = new("--long", "-l") { Description = "Mode, links, user, group, size and time, too; a link at the path's end is not followed" };
        Option<string?> vm = ContainerPath.VmOption();
        Option<OutputFormat> output = OutputOption.New(OutputFormat.Table, OutputFormat.Json, OutputFormat.Yaml);
        Command command = new("ls", "List files of a container, running or not, read from outside") { path, all, list, vm, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            ContainerPath asked = parsed.GetRequiredValue(path);
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerFiles files = await ContainerFiles.ResolveAsync(cluster, asked.Container, parsed.GetValue(vm), cancellationToken);
            bool isLong = parsed.GetValue(list), follow = !isLong || asked.Path.EndsWith('/');
            List<FileDescription> found = [];
            DirectoryPiece piece;
            do
            {
                piece = await files.Grain.ListDirectoryAsync(files.Container, asked.Bytes, follow, found.Count == 0 ? [] : found[^1].Name, cancellationToken);
                found.AddRange(piece.Files);
            }
            while (!piece.IsLast);
            Print(terminal, parsed.GetValue(output), isLong, [.. found.Where(file => parsed.GetValue(all) || !file.Name.AsSpan().StartsWith("."u8))]);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static void Print(Terminal terminal, OutputFormat format, bool isLong, IReadOnlyList<FileDescription> files)
    {
        FileView[] views = [.. files.Select(FileView.Of)];
        if (format != OutputFormat.Table)
        {
            Printer.Document(terminal, format, views, FileViews.Default.IReadOnlyListFileView);
            return;
        }

        if (!isLong)
        {
            foreach (FileView file in views) terminal.Out.WriteLine(file.Name);
            return;
        }

        string[][] rows = [.. views.Select(file => (string[])[$"{file.Links}", $"{file.Uid}", $"{file.Gid}", file.Device ?? $"{file.Size}"])];
        int[] widths = [.. Enumerable.Range(0, 4).Select(column => rows.Select(row => row[column].Length).DefaultIfEmpty().Max())];
        for (int i = 0; i < views.Length; i++)
        {
            string numbers = string.Join(' ', rows[i].Select((cell, column) => cell.PadLeft(widths[column])));
            terminal.Out.WriteLine($"{FileView.ModeText(files[i].Mode)} {numbers} {views[i].Modified.ToLocalTime():yyyy-MM-dd HH:mm} {views[i].Name}{(views[i].Target is { } target ? $" -> {target}" : "")}");
        }
    }
}
