using System.Globalization;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Engines;

/// <summary>The programs of the engines, asked as a person asks them.</summary>
internal sealed class EnginePrograms(GuestFacts facts)
{
    private const int MostLogBytes = 8 << 10;

    /// <summary>Runs an engine's program to its end.</summary>
    /// <param name="engine">Whose.</param>
    /// <param name="arguments">Without the program's name.</param>
    /// <param name="deadline">The program is killed when it passes.</param>
    /// <exception cref="AgentException">engine-failed: it ended with another code than 0; unsupported: there is none in this guest.</exception>
    public void Run(ContainerEngine engine, IReadOnlyList<string> arguments, Deadline deadline)
    {
        (int code, string output) = TryRun(engine, arguments, deadline);
        if (code != 0)
            throw new AgentException(new AgentError(AgentErrorCode.EngineFailed, $"{NameOf(engine)} {arguments[0]} ended with code {code}.", output.Length <= MostLogBytes ? output : output[^MostLogBytes..]));
    }

    public (int Code, string Output) TryRun(ContainerEngine engine, IReadOnlyList<string> arguments, Deadline deadline) =>
        ChildProcess.Run(PathOf(engine), [NameOf(engine), .. arguments], EnvironmentList.OfShell(), deadline);

    /// <summary>The program that runs a command in a container, with its arguments.</summary>
    /// <param name="target">The container.</param>
    /// <param name="command">The command.</param>
    /// <param name="mark">One more variable of its environment.</param>
    /// <exception cref="AgentException">Its engine is not here, or cannot run it so.</exception>
    public (string Path, IReadOnlyList<string> Arguments) Exec(EngineContainer target, ExecCommand command, string mark) =>
        (PathOf(target.Engine), ExecArguments(target, command, mark, target.Engine == ContainerEngine.Runc ? RuncRootOf(target.Container) : ""));

    /// <param name="runcRoot">Where runc keeps the container's state; of another engine, anything.</param>
    internal static IReadOnlyList<string> ExecArguments(EngineContainer target, ExecCommand command, string mark, string runcRoot)
    {
        bool isRunc = target.Engine == ContainerEngine.Runc;
        List<string> arguments = [NameOf(target.Engine)];
        if (isRunc)
            arguments.AddRange(["--root", runcRoot]);
        arguments.Add("exec");
        // runc hands on what it has been given, and needs not be told.
        if (command.WithInput && !isRunc)
            arguments.Add("--interactive");
        if (command.User is { } user)
        {
            if (isRunc && !user.Split(':').All(id => uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
                throw new AgentException(new AgentError(AgentErrorCode.Unsupported, "runc takes a user by number, UID or UID:GID: it does not look into the container's /etc/passwd."));
            arguments.Add($"--user={user}");
        }
        if (command.Directory is { } directory)
            arguments.Add(isRunc ? $"--cwd={directory}" : $"--workdir={directory}");
        foreach (string variable in command.Environment)
            arguments.Add($"--env={variable}");
        arguments.Add($"--env={mark}");
        arguments.Add(target.Container.ToString());
        arguments.AddRange(command.Arguments);
        return arguments;
    }

    /// <exception cref="AgentException">Runc has no such container.</exception>
    public static string RuncRootOf(ContainerId container) => RuncState.RootOf(container)
        ?? throw new AgentException(new AgentError(AgentErrorCode.NoSuchProcess, $"runc has no container {container} in this guest, below {RuncState.Root} or where containerd has it keep them."));

    private static string NameOf(ContainerEngine engine) => engine switch
    {
        ContainerEngine.Docker => "docker",
        ContainerEngine.Podman => "podman",
        _ => "runc",
    };

    private string PathOf(ContainerEngine engine)
    {
        string? path = engine switch
        {
            ContainerEngine.Docker => facts.Docker,
            ContainerEngine.Podman => facts.Podman,
            _ => facts.Runc,
        };
        return path ?? throw new AgentException(new AgentError(AgentErrorCode.Unsupported, $"There is no program '{NameOf(engine)}' in this guest, by which its containers are asked: install it."));
    }
}
