using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari ps</c>.</summary>
internal static class PsCommand
{
    private const int ShortId = 12;
    private const int ShortCommand = 30;

    public static Command Build(Connector connect, Terminal terminal)
    {
        Option<string?> vm = new("--vm") { Description = "Only containers in this VM (VM, or HOST/VM)", HelpName = "VM" };
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print ids alone" };
        Option<bool> noTrunc = new("--no-trunc") { Description = "Print ids and commands in full" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("ps", "List the running containers of all virtual machines") { vm, quiet, noTrunc, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            Listing<ContainerDescription> found = await cluster.Cluster.ListContainersAsync(parsed.GetValue(vm), cancellationToken);
            ContainerView[] containers = [.. found.Items.Select(ContainerView.Of)];
            bool full = parsed.GetValue(noTrunc);
            if (parsed.GetValue(quiet))
            {
                foreach (ContainerView container in containers) terminal.Out.WriteLine(Printer.Clean(full ? container.Id : Short(container.Id)));
            }
            else
            {
                Printer.List(
                    terminal, parsed.GetValue(output), containers, Views.Default.IReadOnlyListContainerView,
                    new("CONTAINER ID", c => full ? c.Id : Short(c.Id)),
                    new("NAME", c => c.Name),
                    new("VM", c => $"{c.Host}/{c.Vm}"),
                    new("COMMAND", c => full ? c.Command : Cut(c.Command)),
                    new("STATUS", c => c.Status),
                    new("PROCS", c => $"{c.Processes}", Right: true),
                    new("MEMORY", c => Human.Bytes(c.ResidentBytes), Right: true),
                    new("RUNTIME", c => c.Runtime, Wide: true),
                    new("PID", c => $"{c.Pid}", Wide: true, Right: true),
                    new("THREADS", c => $"{c.Threads}", Wide: true, Right: true),
                    new("CGROUP", c => c.Cgroup, Wide: true));
            }

            foreach (string problem in found.Problems) terminal.Say(problem);
            return ExitCodes.Done;
        });
        return command;
    }

    /// <summary>As much of an id as docker and podman show.</summary>
    internal static string Short(string id) => id.Length <= ShortId ? id : id[..ShortId];

    private static string Cut(string command) => command.Length <= ShortCommand ? command : command[..(ShortCommand - 1)] + "…";
}
