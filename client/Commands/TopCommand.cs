using System.CommandLine;
using System.Globalization;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari top</c>: as docker top, from outside the virtual machine.</summary>
internal static class TopCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string> name = new("CONTAINER") { Description = "Name or id of the container" };
        Option<string?> vm = new("--vm") { Description = "Where to look for it (VM, or HOST/VM)", HelpName = "VM" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("top", "List the processes of a container, read from outside") { name, vm, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerDescription container = await cluster.Cluster.ResolveRunningContainerAsync(parsed.GetRequiredValue(name), parsed.GetValue(vm), cancellationToken);
            IVmGrain machine = cluster.Grains.GetGrain<IVmGrain>(container.Vm.ToString());
            ProcessView[] processes = [.. (await machine.ListProcessesAsync(container.Id, cancellationToken)).Select(ProcessView.Of)];
            Print(terminal, parsed.GetValue(output), processes);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static void Print(Terminal terminal, OutputFormat format, IReadOnlyList<ProcessView> processes) => Printer.List(
        terminal, format, processes, Views.Default.IReadOnlyListProcessView,
        new("UID", p => $"{p.UserId}", Right: true),
        new("PID", p => $"{p.Pid}", Right: true),
        new("PPID", p => $"{p.ParentPid}", Right: true),
        new("IN CONTAINER", p => $"{p.ContainerPid}", Wide: true, Right: true),
        new("STATE", p => p.State),
        new("THREADS", p => $"{p.Threads}", Wide: true, Right: true),
        new("STARTED", p => p.Started.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), Wide: true),
        new("TIME", p => Time(TimeSpan.FromMilliseconds(p.CpuMilliseconds)), Right: true),
        new("MEMORY", p => Human.Bytes(p.ResidentBytes), Right: true),
        new("COMMAND", p => p.Command));

    /// <summary>Minutes and more, as ps(1) has it: [DD-]hh:mm:ss.</summary>
    private static string Time(TimeSpan time) =>
        time.Days > 0 ? time.ToString(@"d\-hh\:mm\:ss", CultureInfo.InvariantCulture) : time.ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture);
}
