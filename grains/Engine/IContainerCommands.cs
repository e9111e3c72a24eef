using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Engine;

/// <summary>Commands that run in the containers of one host's VMs; see <see cref="IExecGrain"/>. It fails with <see cref="EngineException"/> alone.</summary>
public interface IContainerCommands
{
    Task StartAsync(string vm, string container, Guid exec, ContainerCommand command, CancellationToken cancellationToken);

    Task<ExecPiece> ReadAsync(string vm, Guid exec, int piece, CancellationToken cancellationToken);

    Task<ExecInput> WriteAsync(string vm, Guid exec, long offset, ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancellationToken);

    Task EndAsync(string vm, Guid exec, CancellationToken cancellationToken);
}
