using Watari.Checkpoint.Archives;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Containers;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Migration.Volumes;
using ManagedContainer = Watari.GrainInterfaces.Model.ManagedContainer;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// The files of an engine's container on their way out, written while the container stands frozen: of podman's all of its checkpoint archive
/// but the images, of Docker's what it has changed of its image; and what has changed in its volumes, where those went ahead. All is sent
/// from files of this host that have no name.
/// </summary>
internal sealed class OutgoingFiles : IAsyncDisposable
{
    private readonly VmLook _look;
    private readonly SavedFiles _files;
    private readonly string _place;
    private MappedFile? _archive;
    private MappedFile? _changes;

    private OutgoingFiles(VmLook look, SavedFiles files, string place)
    {
        _look = look;
        _files = files;
        _place = place;
        Creation = IsDockers ? DockerSource.Creation(look, files.Record).Body : null;
    }

    /// <summary>What Docker is told to make; null of podman's.</summary>
    public ReadOnlyMemory<byte>? Creation { get; }

    private bool IsDockers => _files.Record.Runtime == ContainerRuntime.Docker;

    /// <summary>Looks at the container while it runs; what that takes is not part of the downtime.</summary>
    /// <param name="withVolumes">Whether the archive has its volumes.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: what its engine keeps of it cannot be read.</exception>
    public static async Task<OutgoingFiles> OpenAsync(
        VmLooks looks, EngineThreads threads, string vm, ManagedContainer container, string job, bool withVolumes, CancellationToken cancellationToken)
    {
        VmLook look = await looks.OpenAsync(vm, cancellationToken);
        try
        {
            return await Failures.ExplainAsync(vm, () => threads.RunAsync(
                () => new OutgoingFiles(look, ManagedSource.Find(look, container.Id, withVolumes), Path.Combine(Path.GetTempPath(), $"watari-{job}-{Guid.NewGuid():n}")), cancellationToken));
        }
        catch
        {
            await look.DisposeAsync();
            throw;
        }
    }

    /// <summary>Reads the files and adds them to what is sent. The container must stand still meanwhile. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.SaveFailed"/>: this host has no room for them.</exception>
    /// <exception cref="OperationCanceledException">The container is to go on.</exception>
    public void AddTo(OutgoingPages pages, DateTimeOffset time, CancellationToken cancellationToken)
    {
        _look.LastUntil(cancellationToken);
        try
        {
            _archive = IsDockers ? WriteChanges(cancellationToken) : WriteArchive(time);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not ArchiveException)
        {
            throw new EngineException(FailureKind.SaveFailed, $"The container's files could not be written to '{Path.GetDirectoryName(_place)}' of this host: {e.Message.TrimEnd('.')}.", e);
        }

        pages.Add(_archive!, ImagePages.Archive);
    }

    /// <summary>Likewise what has changed in its volumes since they went ahead.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.SaveFailed"/>: this host has no room for it.</exception>
    public void AddTo(OutgoingPages pages, OutgoingVolumes volumes, CancellationToken cancellationToken)
    {
        _changes = volumes.ReadStill(_look, cancellationToken);
        pages.Add(_changes, ImagePages.VolumeChanges);
    }

    public async ValueTask DisposeAsync()
    {
        _archive?.Dispose();
        _changes?.Dispose();
        await _look.DisposeAsync();
    }

    private MappedFile WriteArchive(DateTimeOffset time)
    {
        // They are written twice: as parts, and in the archive.
        using var parts = new ArchiveParts(_place, "make room, or set TMPDIR to where there is more") { Room = new DriveInfo(Path.GetDirectoryName(_place)!).AvailableFreeSpace / 2 };
        _files.Write(parts.Open);
        FileStream file = ArchiveParts.CreateUnnamed(_place);
        using (var archive = new CheckpointArchiveWriter(file, ArchiveCompression.None, time))
        {
            _files.AddDumpsTo(archive);
            parts.AddTo(archive);
        }

        // A tar ends with blocks of zeroes, however many.
        return MappedFile.Of(file);
    }
    private MappedFile WriteChanges(CancellationToken cancellationToken) => ChangesFile.Write(
        _place, changes => _files.WriteChanges(changes, VolumeLimits.Default with { ReadBytes = ChangesFile.RoomAt(_place) }, cancellationToken), "the container's files").File;
}
