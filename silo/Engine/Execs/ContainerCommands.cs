using System.Runtime.InteropServices;
using Watari.Containers;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Controls;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Execs;

/// <inheritdoc cref="IContainerCommands"/>
/// <remarks>
/// Of what a command writes the host keeps one piece, the last, so that an answer that was lost can be given again. Nothing is read of a
/// command unless somebody asks: then its pipes in the guest fill up, and it waits. So does who writes to it.
/// </remarks>
internal sealed class ContainerCommands(OpenVms vms, VmLooks looks, TimeProvider time) : IContainerCommands
{
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(15);

    /// <summary>For an answer, beyond the waiting.</summary>
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(10);

    private readonly OpenCommands _commands = new(time);

    public async Task StartAsync(string vm, string container, Guid exec, ContainerCommand command, CancellationToken cancellationToken)
    {
        ContainerOfEngine found = await ContainerOfEngine.FindAsync(looks, vm, container, cancellationToken);
        if (found.State is not (ContainerState.Running or ContainerState.Paused))
            throw new EngineException(FailureKind.Refused, $"Container '{container}' in VM '{vm}' does not run: it is {found.State.ToString().ToLowerInvariant()}.");
        if (found.State == ContainerState.Paused) throw new EngineException(FailureKind.Refused, $"Container '{container}' in VM '{vm}' is paused: unpause it first ('watari unpause').");
        await vms.WorkAsync(
            vm,
            async (guest, stop) =>
            {
                await guest.MustRunAsync(stop);
                GuestAgentClient agent = await ContainerOfEngine.AgentAsync(guest, "exec", "What is in a container is read from outside by 'watari top', 'logs', 'ls', 'cat' and 'cp'.", stop);
                await agent.ExecStartAsync(
                    new ExecId(exec), found.Target,
                    new ExecCommand { Arguments = command.Arguments, Environment = command.Environment, User = command.User, Directory = command.Directory, WithInput = command.WithInput },
                    s_start, stop);
                return true;
            },
            cancellationToken);
        _commands.Add(exec);
    }

    public Task<ExecPiece> ReadAsync(string vm, Guid exec, int piece, CancellationToken cancellationToken) =>
        // Not by the token of who asks: the piece is there for the next question, too.
        _commands.Get(exec).ReadAsync(piece, () => vms.WorkAsync(
            vm,
            async (guest, stop) =>
            {
                (IReadOnlyList<(bool IsError, ReadOnlyMemory<byte> Bytes)> written, int? code) =
                    await (await guest.AgentAsync(stop)).ExecReadAsync(new ExecId(exec), s_wait, s_wait + s_answer, stop);
                return new ExecPiece([.. written.Select(part => new ExecOutput(part.IsError, ImmutableCollectionsMarshal.AsImmutableArray(part.Bytes.ToArray())))], code);
            },
            CancellationToken.None)).WaitAsync(cancellationToken);

    public Task<ExecInput> WriteAsync(string vm, Guid exec, long offset, ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancellationToken)
    {
        if (bytes.Length > ExecWriteRequest.MaxBytes) throw new EngineException(FailureKind.Refused, $"A piece of a command's standard input has at most {ExecWriteRequest.MaxBytes} bytes.");
        return _commands.Get(exec).WriteAsync(offset, bytes, isLast, left => vms.WorkAsync(
            vm,
            async (guest, stop) => await (await guest.AgentAsync(stop)).ExecWriteAsync(new ExecId(exec), left, isLast, s_wait, s_wait + s_answer, stop),
            CancellationToken.None)).WaitAsync(cancellationToken);
    }

    public async Task EndAsync(string vm, Guid exec, CancellationToken cancellationToken)
    {
        if (!_commands.Remove(exec)) return;
        await vms.WorkAsync(vm, async (guest, stop) => await (await guest.AgentAsync(stop)).ExecEndAsync(new ExecId(exec), s_end, stop), cancellationToken);
    }
}
