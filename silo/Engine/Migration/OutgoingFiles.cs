using System.IO.MemoryMappedFiles;
using Watari.Checkpoint.Archives;
using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// The files of a container of podman's on their way out: all of podman's checkpoint archive but the images, written while the container
/// stands frozen, and sent from a file of this host that has no name.
/// </summary>
internal sealed class OutgoingFiles : IAsyncDisposable
{
    private readonly VmLook _look;
    private readonly SavedFiles _files;
    private readonly string _place;
    private FileStream? _archive;
    private MemoryMappedFile? _mapping;
    private MemoryMappedViewAccessor? _view;
    private bool _isHeld;

    private OutgoingFiles(VmLook look, SavedFiles files, string place)
    {
        _look = look;
        _files = files;
        _place = place;
    }

    /// <summary>Looks at the container while it runs; what that takes is not part of the downtime.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: what podman keeps of it cannot be read.</exception>
    public static async Task<OutgoingFiles> OpenAsync(VmLooks looks, EngineThreads threads, string vm, PodmanContainer container, string job, CancellationToken cancellationToken)
    {
        VmLook look = await looks.OpenAsync(vm, cancellationToken);
        try
        {
            SavedFiles files = await Failures.ExplainAsync(vm, () => threads.RunAsync(() => PodmanSource.Find(look, container.Id), cancellationToken));
            return new OutgoingFiles(look, files, Path.Combine(Path.GetTempPath(), $"watari-{job}-{Guid.NewGuid():n}"));
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
            Write(time);
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not ArchiveException)
        {
            throw new EngineException(FailureKind.SaveFailed, $"The container's files could not be written to '{Path.GetDirectoryName(_place)}' of this host: {e.Message.TrimEnd('.')}.", e);
        }

        Map(pages);
    }

    private unsafe void Map(OutgoingPages pages)
    {
        long length = _archive!.Length;
        _mapping = MemoryMappedFile.CreateFromFile(_archive, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _mapping.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _isHeld = true;
        for (long done = 0; done < length;)
        {
            int part = (int)Math.Min(length - done, StagingMemory.BlockBytes);
            pages.AddArchive(new ReadOnlySpan<byte>(start + done, part), done / Transfer.PageCount.Size);
            done += part;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isHeld) _view!.SafeMemoryMappedViewHandle.ReleasePointer();
        _isHeld = false;
        _view?.Dispose();
        _mapping?.Dispose();
        if (_archive is not null) await _archive.DisposeAsync();
        await _look.DisposeAsync();
    }

    private void Write(DateTimeOffset time)
    {
        // They are written twice: as parts, and in the archive.
        using var parts = new ArchiveParts(_place, "make room, or set TMPDIR to where there is more") { Room = new DriveInfo(Path.GetDirectoryName(_place)!).AvailableFreeSpace / 2 };
        _files.Write(parts.Open);
        _archive = ArchiveParts.CreateUnnamed(_place);
        using (var archive = new CheckpointArchiveWriter(_archive, ArchiveCompression.None, time))
        {
            _files.AddDumpsTo(archive);
            parts.AddTo(archive);
        }

        // A tar ends with blocks of zeroes, however many.
        _archive.Flush();
        _archive.SetLength((_archive.Length + Transfer.PageCount.Size - 1) / Transfer.PageCount.Size * Transfer.PageCount.Size);
    }
}
