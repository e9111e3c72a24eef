using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Watari.Client.Cluster;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari exec</c>: as docker exec and podman exec, by the agent in the virtual machine.</summary>
internal static class ExecCommand
{
    private const string Name = "exec", EndOfOptions = "--";
    private const int PieceBytes = 64 << 10;

    /// <summary>How long nothing may be heard of the command, as while a silo is started again.</summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(300);

    /// <summary>For the end of a command in the guest, after which the console ends whatever has become of it.</summary>
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(15);

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string> container = new("CONTAINER") { Description = "Name or id of the container" };
        Argument<string[]> arguments = new("COMMAND") { Description = "The command, and its arguments as they are", Arity = ArgumentArity.OneOrMore };
        (Option<bool> interactive, Option<bool> tty, Option<string[]> env, Option<string?> user, Option<string?> directory, Option<string?> vm) = Options();
        Command command = new(Name, "Run a command in a running container, by the agent in its VM. It has no terminal: there is no -t") { container, arguments, interactive, tty, env, user, directory, vm };
        tty.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<bool>()) result.AddError("watari exec gives a command no terminal: leave -t (-i for -it).");
        });
        env.Validators.Add(result =>
        {
            foreach (Token token in result.Tokens.Where(token => token.Value.StartsWith('=') || token.Value.Length == 0)) result.AddError($"'{token.Value}' is no variable: write NAME=VALUE, or NAME for the value that it has here.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerDescription found = await cluster.Cluster.ResolveRunningContainerAsync(parsed.GetRequiredValue(container), parsed.GetValue(vm), cancellationToken);
            var wanted = new ContainerCommand(
                [.. parsed.GetRequiredValue(arguments)], [.. Variables(parsed.GetValue(env) ?? [])], parsed.GetValue(user), parsed.GetValue(directory), parsed.GetValue(interactive));
            var running = new RunningCommand(cluster.Grains.GetGrain<IExecGrain>(found.Vm.ToString()), found.Id, wanted);
            using var interrupted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using IDisposable signals = Heed(interrupted);
            return await RunAsync(running, terminal, interrupted.Token);
        });
        return command;
    }

    /// <summary>All that follows the container is the command, whatever it looks like.</summary>
    internal static string[] Part(string[] args)
    {
        (_, _, Option<string[]> env, Option<string?> user, Option<string?> directory, Option<string?> vm) = Options();
        HashSet<string> withValue = [.. new Option[] { env, user, directory, vm }.SelectMany(option => option.Aliases.Append(option.Name)), "--config"];
        bool isExec = false;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == EndOfOptions) return args;
            if (args[i].StartsWith('-') && args[i].Length > 1)
            {
                if (withValue.Contains(args[i])) i++;
            }
            else if (!isExec)
            {
                if (args[i] != Name) return args;
                isExec = true;
            }
            else
            {
                return i + 1 < args.Length && args[i + 1] != EndOfOptions ? [.. args[..(i + 1)], EndOfOptions, .. args[(i + 1)..]] : args;
            }
        }

        return args;
    }

    /// <returns>The command's exit code.</returns>
    /// <exception cref="OperationCanceledException">Interrupted: the command was ended.</exception>
    internal static async Task<int> RunAsync(RunningCommand command, Terminal terminal, CancellationToken interrupted)
    {
        bool hasEnded = false;
        try
        {
            await PersistAsync(command.StartAsync, interrupted);
            if (command.Wanted.WithInput) _ = GiveAsync(command, terminal.OpenIn(), interrupted);
            await using Stream output = terminal.OpenOut(), errors = terminal.OpenError();
            for (int number = 0; ; number++)
            {
                ExecPiece piece = await PersistAsync(() => command.ReadAsync(number), interrupted);
                foreach (ExecOutput part in piece.Outputs) (part.IsError ? errors : output).Write(part.Bytes.AsSpan());
                output.Flush();
                errors.Flush();
                hasEnded = piece.ExitCode is not null;
                if (piece.ExitCode is { } code) return code;
                // As a pipe's end would tell a command that wrote to it itself.
                if (terminal.IsOutGone()) throw new CommandException(ExitCodes.Interrupted, "Nobody reads the command's output any more: it is ended.");
            }
        }
        finally
        {
            await EndAsync(command, hasEnded, terminal);
        }
    }

    /// <summary>Gives the command what comes on standard input, at the pace at which it takes it.</summary>
    private static async Task GiveAsync(RunningCommand command, Stream input, CancellationToken interrupted)
    {
        byte[] piece = new byte[PieceBytes];
        long offset = 0;
        try
        {
            while (true)
            {
                // A terminal's reading cannot be called off: it waits on a thread of the pool, and is left alone when the command has ended.
                int read = await Task.Run(() => input.Read(piece), interrupted);
                ReadOnlyMemory<byte> left = piece.AsMemory(0, read);
                do
                {
                    ImmutableArray<byte> bytes = [.. left.Span];
                    long from = offset;
                    ExecInput taken = await PersistAsync(() => command.WriteAsync(from, bytes, isLast: read == 0), interrupted);
                    if (taken.IsClosed) return;
                    left = left[(int)(taken.Taken - offset)..];
                    offset = taken.Taken;
                }
                while (!left.IsEmpty || read == 0);
            }
        }
        catch (Exception e) when (e is EngineException or OrleansException or TimeoutException or OperationCanceledException or IOException)
        {
            // Whoever reads the command's output hears of its end, and why.
        }
    }

    private static async Task EndAsync(RunningCommand command, bool hasEnded, Terminal terminal)
    {
        try
        {
            await command.EndAsync().WaitAsync(s_end);
        }
        catch (Exception e) when (e is EngineException or OrleansException or TimeoutException)
        {
            if (!hasEnded) terminal.Say($"The command may still run ({e.Message}); the agent ends it when nobody has asked for it for a while.");
        }
    }

    /// <summary>Asks again where an answer was lost: each question may be.</summary>
    private static async Task<T> PersistAsync<T>(Func<Task<T>> ask, CancellationToken interrupted)
    {
        long begun = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask().WaitAsync(interrupted);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or EngineException { Kind: FailureKind.HostLost } && Stopwatch.GetElapsedTime(begun) < s_silence)
            {
                await Task.Delay(s_pause, interrupted);
            }
        }
    }

    /// <summary>The first Ctrl-C ends the command in the guest, the second the console alone.</summary>
    private static Registrations Heed(CancellationTokenSource interrupted) => new([.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = !interrupted.IsCancellationRequested;
        interrupted.Cancel();
    }))]);

    private static IEnumerable<string> Variables(IEnumerable<string> given)
    {
        foreach (string variable in given)
        {
            if (variable.Contains('=', StringComparison.Ordinal)) yield return variable;
            // As docker has it: one that is not set here is not set there.
            else if (Environment.GetEnvironmentVariable(variable) is { } value) yield return $"{variable}={value}";
        }
    }

    private static (Option<bool> Interactive, Option<bool> Tty, Option<string[]> Env, Option<string?> User, Option<string?> Directory, Option<string?> Vm) Options() => (
        new("--interactive", "-i") { Description = "Give it what comes on standard input" },
        new("--tty", "-t") { Hidden = true },
        new("--env", "-e") { Description = "A variable of its environment; NAME alone takes the value that it has here", HelpName = "NAME=VALUE", Arity = ArgumentArity.ZeroOrMore },
        new("--user", "-u") { Description = "Who runs it: a name, UID or UID:GID; with runc, numbers", HelpName = "USER" },
        new("--workdir", "-w") { Description = "Where it begins, in the container", HelpName = "DIR" },
        Files.ContainerPath.VmOption());

    private sealed class Registrations(PosixSignalRegistration[] all) : IDisposable
    {
        public void Dispose()
        {
            foreach (PosixSignalRegistration registration in all) registration.Dispose();
        }
    }
}

/// <summary>A command in a container, as its host is asked of it.</summary>
internal sealed class RunningCommand(IExecGrain grain, string container, ContainerCommand wanted)
{
    private readonly Guid _id = Guid.NewGuid();

    public ContainerCommand Wanted => wanted;

    public async Task<bool> StartAsync()
    {
        await grain.StartAsync(container, _id, wanted);
        return true;
    }

    public Task<ExecPiece> ReadAsync(int piece) => grain.ReadAsync(_id, piece);

    public Task<ExecInput> WriteAsync(long offset, ImmutableArray<byte> bytes, bool isLast) => grain.WriteAsync(_id, offset, bytes, isLast);

    public Task EndAsync() => grain.EndAsync(_id);
}
