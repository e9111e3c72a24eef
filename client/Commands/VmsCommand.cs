using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari vms</c>.</summary>
internal static class VmsCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("vms", "List the virtual machines of all hosts") { output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            Listing<VmDescription> found = await cluster.Cluster.ListVmsAsync(cancellationToken);
            VmView[] vms = [.. found.Items.Select(VmView.Of)];
            Printer.List(
                terminal, parsed.GetValue(output), vms, Views.Default.IReadOnlyListVmView,
                new("NAME", v => v.Name),
                new("HOST", v => v.Host),
                new("STATUS", v => v.Status),
                new("CPUS", v => $"{v.VirtualCpus}", Right: true),
                new("MEMORY", v => Human.Bytes(v.MemoryBytes), Right: true),
                new("ACCEL", v => v.Accelerator),
                new("KERNEL", v => v.KernelRelease ?? "-"),
                new("AGENT", v => v.AgentVersion ?? "-"),
                new("CONTAINERS", v => $"{v.Containers}", Right: true),
                new("RAM", v => v.Ram ?? "-", Wide: true),
                new("PROBLEM", v => v.Problem ?? "", Wide: true));
            foreach (string problem in found.Problems) terminal.Say(problem);
            return ExitCodes.Done;
        });
        return command;
    }
}
