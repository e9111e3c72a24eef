using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Files;
using Watari.Client.Output;

namespace Watari.Client.Commands;

/// <summary><c>watari cp</c>: as docker cp out of a container, from outside the virtual machine.</summary>
internal static class CpCommand
{
    private const string StandardOutput = "-";

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<ContainerPath> source = ContainerPath.Argument("source", "A file or directory of a container; a directory's contents with /. at its end");
        Argument<string> destination = new("destination") { Description = "A directory that is there, a name that is not, or - for an archive (tar) on standard output", HelpName = "DEST" };
        Option<string?> vm = ContainerPath.VmOption();
        Command command = new("cp", "Copy files out of a container, running or not, read from outside") { source, destination, vm };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            ContainerPath asked = parsed.GetRequiredValue(source);
            string to = parsed.GetRequiredValue(destination);
            if (to == StandardOutput && terminal.OutIsTerminal) throw new CommandException(ExitCodes.Usage, "An archive is nothing for a terminal: redirect it into a file or a pipe.");
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerFiles files = await ContainerFiles.ResolveAsync(cluster, asked.Container, parsed.GetValue(vm), cancellationToken);
            var id = Guid.NewGuid();
            await using var archive = new ArchiveStream(
                piece => files.Grain.ReadArchiveAsync(files.Container, WithoutDot(asked).Bytes, id, piece, cancellationToken), problem => terminal.Say(problem));
            await CopyAsync(archive, asked.Path, to, terminal, cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static async Task CopyAsync(Stream archive, string source, string to, Terminal terminal, CancellationToken cancellationToken)
    {
        if (to == StandardOutput)
        {
            await using Stream output = terminal.OpenOut();
            await archive.CopyToAsync(output, cancellationToken);
            return;
        }

        try
        {
            string place = Path.GetFullPath(to);
            // As docker cp: into a directory that is there, or to a name that is not. Of a directory's contents, the directory that is there becomes the copy.
            bool isInto = Directory.Exists(place) && NameOf(source) is { Length: > 0 };
            if (isInto) place = Path.Combine(place, NameOf(source));
            else if (!Directory.Exists(Path.GetDirectoryName(place.TrimEnd('/')) ?? "/")) throw new CommandException(ExitCodes.Usage, $"There is no directory for '{to}' to lie in.");
            await new Extraction(place.TrimEnd('/'), problem => terminal.Say(Printer.Clean(problem))).WriteAsync(archive, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CommandException(ExitCodes.RolledBack, $"The copy is not whole: {e.Message}");
        }
    }

    /// <summary>Empty of a directory whose contents are meant, and of the root.</summary>
    private static string NameOf(string source) => source.EndsWith("/.", StringComparison.Ordinal) ? "" : Path.GetFileName(source.TrimEnd('/')) is var name && name is "." or ".." ? "" : name;

    private static ContainerPath WithoutDot(ContainerPath path) => path.Path.EndsWith("/.", StringComparison.Ordinal) ? path with { Path = path.Path[..^1] } : path;
}
