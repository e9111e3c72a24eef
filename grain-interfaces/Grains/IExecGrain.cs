using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>
/// Commands that run in a VM's containers, by the agent in the VM and the containers' own engines. Key: <c>HOST/VM</c>. It lives on its host's
/// silo. A command that nobody asks for any more is ended; one of a silo that dies, too.
/// </summary>
[Alias("watari.IExecGrain")]
public interface IExecGrain : IGrainWithStringKey
{
    /// <summary>Starts a command; asked for again under the same id, it is not started again.</summary>
    /// <param name="container">Its id.</param>
    /// <param name="exec">Names the command from now on: chosen by who asks.</param>
    /// <exception cref="EngineException">There is no such container, it does not run, somebody else works on it, or no agent answers in its VM.</exception>
    [Alias("Start"), ResponseTimeout("00:00:45")]
    Task StartAsync(string container, Guid exec, ContainerCommand command, CancellationToken cancellationToken = default);

    /// <summary>What the command has written; where that is nothing, waits for it for a while.</summary>
    /// <param name="piece">From 0 on. The one that was asked for last may be asked for again.</param>
    /// <exception cref="EngineException">The VM or its agent was lost, or nothing is known of the command (any more).</exception>
    [Alias("Read"), ResponseTimeout("00:00:30")]
    Task<ExecPiece> ReadAsync(Guid exec, int piece, CancellationToken cancellationToken = default);

    /// <summary>Gives the command more of its standard input, as much as it takes for now.</summary>
    /// <param name="offset">Of the first of the bytes; those that it has taken already are passed over.</param>
    /// <param name="bytes">64 KiB at most.</param>
    /// <param name="isLast">Its standard input ends after them.</param>
    /// <exception cref="EngineException">As <see cref="ReadAsync"/>.</exception>
    [Alias("Write"), ResponseTimeout("00:00:30")]
    Task<ExecInput> WriteAsync(Guid exec, long offset, ImmutableArray<byte> bytes, bool isLast, CancellationToken cancellationToken = default);

    /// <summary>Ends the command, if it still runs: SIGTERM, and soon after SIGKILL. Nothing is known of it after that.</summary>
    /// <exception cref="EngineException">The VM or its agent was lost.</exception>
    [Alias("End"), ResponseTimeout("00:00:30")]
    Task EndAsync(Guid exec, CancellationToken cancellationToken = default);
}
