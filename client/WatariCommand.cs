using System.CommandLine;
using System.CommandLine.Parsing;
using Watari.Client.Cluster;
using Watari.Client.Commands;
using Watari.GrainInterfaces.Model;

namespace Watari.Client;

/// <summary>The command line of <c>watari</c>, and what becomes of a failure in any command.</summary>
internal static class WatariCommand
{
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        ParseResult parsed = Build(terminal).Parse(ExecCommand.Part(args));
        if (parsed.Errors.Count > 0)
        {
            foreach (ParseError error in parsed.Errors) terminal.Say(error.Message);
            string path = string.Join(' ', Path(parsed.CommandResult));
            terminal.Error.WriteLine($"Try '{path} --help'.");
            return ExitCodes.Usage;
        }

        var invocation = new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            // Commands heed Ctrl-C by themselves: the first cancels, the second detaches.
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(invocation);
        }
        catch (CommandException e)
        {
            terminal.Say(e.Message);
            return e.ExitCode;
        }
        catch (EngineException e)
        {
            terminal.Say(e.Message);
            return ExitCodes.Of(e.Kind);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            terminal.Say($"The cluster did not answer: {e.Message}");
            return ExitCodes.Unknown;
        }
    }

    internal static RootCommand Build(Terminal terminal)
    {
        Option<FileInfo?> config = new("--config")
        {
            Description = "JSON file with a section 'Watari' that names the cluster",
            HelpName = "FILE",
            Recursive = true,
        };
        var connect = new Connector(parsed => parsed.GetValue(config));
        return new RootCommand("Moves running containers between virtual machines, from outside the virtual machines.")
        {
            config,
            HostsCommand.Build(connect, terminal),
            VmsCommand.Build(connect, terminal),
            PsCommand.Build(connect, terminal),
            InspectCommand.Build(connect, terminal),
            ImagesCommand.Build(connect, terminal),
            TopCommand.Build(connect, terminal),
            StatsCommand.Build(connect, terminal),
            EventsCommand.Build(connect, terminal),
            LogsCommand.Build(connect, terminal),
            LsCommand.Build(connect, terminal),
            CatCommand.Build(connect, terminal),
            CpCommand.Build(connect, terminal),
            DiffCommand.Build(connect, terminal),
            MigrateCommand.Build(connect, terminal),
            CheckpointCommand.Build(connect, terminal),
            RestoreCommand.Build(connect, terminal),
            ControlCommands.BuildPause(connect, terminal),
            ControlCommands.BuildUnpause(connect, terminal),
            ControlCommands.BuildKill(connect, terminal),
            ControlCommands.BuildStop(connect, terminal),
            ExecCommand.Build(connect, terminal),
            JobsCommand.Build(connect, terminal),
            DoctorCommand.Build(connect, terminal),
            DmesgCommand.Build(connect, terminal),
            VmCommand.Build(terminal),
            VersionCommand.Build(terminal),
        };
    }

    private static IEnumerable<string> Path(CommandResult command) =>
        command.Parent is CommandResult parent ? Path(parent).Append(command.Command.Name) : ["watari"];
}
