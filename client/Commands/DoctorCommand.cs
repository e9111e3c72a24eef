using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari doctor</c>.</summary>
internal static class DoctorCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string> vm = new("vm") { Description = "The virtual machine (VM, or HOST/VM)", HelpName = "VM" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("doctor", "Look whether a virtual machine is fit for Watari, and say what to do where it is not") { vm, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            VmId id = await cluster.Cluster.ResolveVmAsync(parsed.GetRequiredValue(vm), cancellationToken);
            VmExamination found = await cluster.Grains.GetGrain<IVmGrain>(id.ToString()).ExamineAsync(cancellationToken);
            Print(terminal, parsed.GetValue(output), found);
            return ExitCodeOf(found);
        });
        return command;
    }

    internal static void Print(Terminal terminal, OutputFormat format, VmExamination found)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml)
        {
            Printer.Document(terminal, format, ExaminationView.Of(found), Views.Default.ExaminationView);
            return;
        }

        Printer.List(
            terminal, format, [.. found.Checks.Select(CheckView.Of)], Views.Default.IReadOnlyListCheckView,
            new("CHECK", c => c.Subject),
            new("RESULT", c => c.Result),
            new("FINDING", c => c.Finding));
        // What to do, in lines of their own: a table's lines are long enough.
        foreach (VmCheck check in found.Checks.Where(check => check.Remedy is not null && check.Level is CheckLevel.Warning or CheckLevel.Problem))
            terminal.Out.WriteLine(Printer.OneLine($"{check.Subject}: {check.Remedy}"));
    }

    internal static int ExitCodeOf(VmExamination found) => found.Checks.Any(check => check.Level == CheckLevel.Problem) ? ExitCodes.Refused : ExitCodes.Done;
}
