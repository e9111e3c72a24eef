using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Files;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari cat</c>: as cat(1) in the container, from outside the virtual machine.</summary>
internal static class CatCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<ContainerPath> path = ContainerPath.Argument("path", "A file of a container");
        Option<string?> vm = ContainerPath.VmOption();
        Command command = new("cat", "Print a file of a container, running or not, read from outside") { path, vm };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            ContainerPath asked = parsed.GetRequiredValue(path);
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerFiles files = await ContainerFiles.ResolveAsync(cluster, asked.Container, parsed.GetValue(vm), cancellationToken);
            await using Stream output = terminal.OpenOut();
            await PrintAsync(offset => files.Grain.ReadFileAsync(files.Container, asked.Bytes, offset, cancellationToken), output, terminal);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static async Task PrintAsync(Func<long, Task<FilePiece>> read, Stream output, Terminal terminal)
    {
        FileIdentity? before = null;
        bool isChanged = false;
        FilePiece piece;
        long offset = 0;
        do
        {
            piece = await read(offset);
            if (before is not null && (before.Device, before.Inode) != (piece.Identity.Device, piece.Identity.Inode))
                throw new CommandException(ExitCodes.RolledBack, $"The file was replaced by another while it was read: {offset} bytes of the first were printed.");
            isChanged |= before is not null && before != piece.Identity;
            before = piece.Identity;
            output.Write(piece.Bytes.AsSpan());
            offset += piece.Bytes.Length;
        }
        while (!piece.IsLast);
        output.Flush();
        if (isChanged) terminal.Say("the file changed while it was read: what was printed may be of several moments");
    }
}
