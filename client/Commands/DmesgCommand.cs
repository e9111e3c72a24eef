using System.CommandLine;
using System.CommandLine.Parsing;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari dmesg</c>: as dmesg(1), from outside the virtual machine.</summary>
internal static class DmesgCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string> vm = new("vm") { Description = "The virtual machine (VM, or HOST/VM)", HelpName = "VM" };
        Option<bool> ctime = new("--ctime", "-T") { Description = "Print times of the wall clock, as the guest's kernel reckons it now" };
        Option<IReadOnlySet<int>?> level = new("--level", "-l")
        {
            Description = "Only these levels, e.g. err,warn; err+ is err and above",
            HelpName = "LEVELS",
            CustomParser = ParseLevels,
        };
        Option<bool> follow = new("--follow", "-f") { Description = "Wait for new messages" };
        Option<OutputFormat> output = OutputOption.New(OutputFormat.Table, OutputFormat.Json);
        Command command = new("dmesg", "Print the kernel log of a virtual machine, read from outside") { vm, ctime, level, follow, output };
        command.Validators.Add(result =>
        {
            // A document has an end, which a log that is followed has not.
            if (result.GetValue(follow) && result.GetValue(output) == OutputFormat.Json) result.AddError("--follow prints lines, not json.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            VmId id = await cluster.Cluster.ResolveVmAsync(parsed.GetRequiredValue(vm), cancellationToken);
            IVmGrain machine = cluster.Grains.GetGrain<IVmGrain>(id.ToString());
            var view = new LogView(terminal, parsed.GetValue(output) == OutputFormat.Json, parsed.GetValue(ctime), parsed.GetValue(level));
            await PrintAsync(machine.ReadKernelLogAsync, view, parsed.GetValue(follow), cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static async Task PrintAsync(Func<ulong, CancellationToken, Task<KernelLogPiece>> read, LogView view, bool follow, CancellationToken cancellationToken)
    {
        ulong next = 0;
        while (true)
        {
            KernelLogPiece piece = await read(next, cancellationToken);
            view.Show(piece, next);
            next = piece.Next;
            if (!piece.IsLast) continue;
            if (!follow) break;
            await Task.Delay(Pause, cancellationToken);
        }

        view.End();
    }

    private static IReadOnlySet<int>? ParseLevels(ArgumentResult result)
    {
        if (LogView.TryParseLevels(result.Tokens[0].Value, out IReadOnlySet<int> levels, out string unknown)) return levels;
        result.AddError($"'{unknown}' is no level: there are {Words.List(LogView.Levels, "and")}.");
        return null;
    }
}
