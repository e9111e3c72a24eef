using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Engine;

/// <summary>The files and logs of the containers of one host's VMs; see <see cref="IFilesGrain"/>. It fails with <see cref="EngineException"/> alone.</summary>
public interface IContainerFiles
{
    Task<DirectoryPiece> ListDirectoryAsync(string vm, string container, ReadOnlyMemory<byte> path, bool follow, ReadOnlyMemory<byte> after, CancellationToken cancellationToken);

    Task<FilePiece> ReadFileAsync(string vm, string container, ReadOnlyMemory<byte> path, long offset, CancellationToken cancellationToken);

    Task<ArchivePiece> ReadArchiveAsync(string vm, string container, ReadOnlyMemory<byte> path, Guid archive, int piece, CancellationToken cancellationToken);

    Task<ChangesPiece> ListChangesAsync(string vm, string container, int from, CancellationToken cancellationToken);

    Task<ContainerLogPiece> ReadLogAsync(string vm, string container, LogQuestion question, CancellationToken cancellationToken);
}
