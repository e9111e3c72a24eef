using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;

namespace Watari.Client.Commands;

/// <summary><c>watari hosts</c>.</summary>
internal static class HostsCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("hosts", "List the hosts that have a silo") { output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            HostView[] hosts = [.. (await cluster.Cluster.ListHostsAsync(cancellationToken)).Select(HostView.Of)];
            Printer.List(
                terminal, parsed.GetValue(output), hosts, Views.Default.IReadOnlyListHostView,
                new("NAME", h => h.Name),
                new("STATUS", h => h.Status),
                new("CORES", h => $"{h.Cores}", Right: true),
                new("MEMORY", h => Human.Bytes(h.MemoryBytes), Right: true),
                new("LOAD", h => Human.Number(h.LoadAverage, 2), Right: true),
                new("VMS", h => $"{h.Vms}", Right: true),
                new("VERSION", h => h.Version, Wide: true),
                new("PROBLEM", h => h.Problem ?? "", Wide: true));
            return ExitCodes.Done;
        });
        return command;
    }
}
