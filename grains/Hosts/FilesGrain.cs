using Orleans.Concurrency;
using Orleans.Placement;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Grains.Hosts;

/// <inheritdoc cref="IFilesGrain"/>
[GrainType("files"), HostPinned, Immovable, Reentrant]
internal sealed class FilesGrain(HostCommands commands) : Grain, IFilesGrain
{
    private string Vm => VmId.Parse(this.GetPrimaryKeyString()).Vm;

    private IContainerFiles Files => commands.Engine.Files;

    public Task<DirectoryPiece> ListDirectoryAsync(string container, ImmutableArray<byte> path, bool follow, ImmutableArray<byte> after, CancellationToken cancellationToken) =>
        Files.ListDirectoryAsync(Vm, container, path.AsMemory(), follow, after.AsMemory(), cancellationToken);

    public Task<FilePiece> ReadFileAsync(string container, ImmutableArray<byte> path, long offset, CancellationToken cancellationToken) =>
        Files.ReadFileAsync(Vm, container, path.AsMemory(), offset, cancellationToken);

    public Task<ArchivePiece> ReadArchiveAsync(string container, ImmutableArray<byte> path, Guid archive, int piece, CancellationToken cancellationToken) =>
        Files.ReadArchiveAsync(Vm, container, path.AsMemory(), archive, piece, cancellationToken);

    public Task<ChangesPiece> ListChangesAsync(string container, int from, CancellationToken cancellationToken) => Files.ListChangesAsync(Vm, container, from, cancellationToken);

    public Task<ContainerLogPiece> ReadLogAsync(string container, LogQuestion question, CancellationToken cancellationToken) => Files.ReadLogAsync(Vm, container, question, cancellationToken);
}
