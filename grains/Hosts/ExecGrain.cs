using Orleans.Concurrency;
using Orleans.Placement;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Grains.Hosts;

/// <inheritdoc cref="IExecGrain"/>
[GrainType("exec"), HostPinned, Immovable, Reentrant]
internal sealed class ExecGrain(HostCommands commands) : Grain, IExecGrain
{
    private VmId Id => VmId.Parse(this.GetPrimaryKeyString());

    private IContainerCommands Commands => commands.Engine.Commands;

    public async Task StartAsync(string container, Guid exec, ContainerCommand command, CancellationToken cancellationToken)
    {
        int length = command.Arguments.Concat(command.Environment).Append(command.User).Append(command.Directory).Sum(text => text?.Length ?? 0);
        if (length > ContainerCommand.MaxText)
            throw new EngineException(FailureKind.Refused, $"The command and its environment have {length} characters together, and {ContainerCommand.MaxText} is the most: give it what is long by its standard input (-i), or in a file.");
        // What a migration has frozen would not answer, and what it is just reading must not become more.
        await GrainFactory.GetContainerGrain(Id, WorkloadId.OfContainer(container)).RequireFreeAsync();
        await Commands.StartAsync(Id.Vm, container, exec, command, cancellationToken);
    }

    public Task<ExecPiece> ReadAsync(Guid exec, int piece, CancellationToken cancellationToken) => Commands.ReadAsync(Id.Vm, exec, piece, cancellationToken);

    public Task<ExecInput> WriteAsync(Guid exec, long offset, ImmutableArray<byte> bytes, bool isLast, CancellationToken cancellationToken) =>
        Commands.WriteAsync(Id.Vm, exec, offset, bytes.AsMemory(), isLast, cancellationToken);

    public Task EndAsync(Guid exec, CancellationToken cancellationToken) => Commands.EndAsync(Id.Vm, exec, cancellationToken);
}
