using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari images</c>: as docker images and podman images, of all virtual machines.</summary>
internal static class ImagesCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Option<string?> vm = new("--vm") { Description = "Only images in this VM (VM, or HOST/VM)", HelpName = "VM" };
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print ids alone" };
        Option<bool> noTrunc = new("--no-trunc") { Description = "Print ids in full" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("images", "List the images that Docker and podman have in all virtual machines") { vm, quiet, noTrunc, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            Listing<ImageDescription> found = await cluster.Cluster.ListImagesAsync(parsed.GetValue(vm), cancellationToken);
            Print(terminal, parsed.GetValue(output), found.Items, parsed.GetValue(quiet), parsed.GetValue(noTrunc), DateTimeOffset.UtcNow);
            foreach (string problem in found.Problems) terminal.Say(problem);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static void Print(Terminal terminal, OutputFormat format, IReadOnlyList<ImageDescription> images, bool quiet, bool full, DateTimeOffset now)
    {
        if (quiet)
        {
            foreach (string id in images.Select(image => Id(image.Id, full)).Distinct()) terminal.Out.WriteLine(Printer.Clean(id));
            return;
        }

        Printer.List(
            terminal, format, [.. images.Select(ImageView.Of)], Views.Default.IReadOnlyListImageView,
            new("REPOSITORY", i => i.Repository ?? "<none>"),
            new("TAG", i => i.Tag ?? "<none>"),
            new("IMAGE ID", i => Id(i.Id, full)),
            new("CREATED", i => i.Created is { } created ? Human.Ago(created, now) : "-"),
            new("SIZE", i => i.SizeBytes is { } size ? Human.Bytes(size) : "-", Right: true),
            new("VM", i => $"{i.Host}/{i.Vm}"),
            new("RUNTIME", i => i.Runtime, Wide: true));
    }

    private static string Id(string id, bool full) => full ? id : PsCommand.Short(id[(id.IndexOf(':', StringComparison.Ordinal) + 1)..]);
}
