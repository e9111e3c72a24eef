using System.Diagnostics;
using Watari.Checkpoint.Archives;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Disk;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>An archive, which podman restores and checkpointctl reads.</summary>
internal sealed class CheckpointFile : ICheckpointOutput
{
    private readonly CheckpointOptions _options;
    private readonly string _parent;
    private readonly string _partial;
    private readonly FileStream _archive;
    private readonly SavedFiles _files;
    private readonly DateTimeOffset _time;
    private readonly ArchiveParts _parts;
    private bool _whole;

    private CheckpointFile(CheckpointOptions options, string parent, string partial, SavedFiles files, DateTimeOffset time)
    {
        _options = options;
        _parent = parent;
        _partial = partial;
        _files = files;
        _time = time;
        _parts = new ArchiveParts(partial, "leave them out with --ignore-rootfs and --ignore-volumes");
        _archive = ArchiveParts.Create(partial);
    }

    /// <summary>Makes sure, before anything is touched in a VM, that the archive can be written.</summary>
    /// <param name="options">What is saved, and where.</param>
    /// <param name="job">Names what is not whole yet.</param>
    /// <param name="files">The container's.</param>
    /// <param name="time">When it is saved.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>, and why.</exception>
    public static CheckpointFile Prepare(CheckpointOptions options, string job, SavedFiles files, DateTimeOffset time)
    {
        string path = options.Path;
        if (!Path.IsPathRooted(path) || Path.EndsInDirectorySeparator(path) || Path.GetDirectoryName(path) is not { } parent)
            throw Refused($"'{path}' is not the absolute path of a file that could be made");
        if (!Directory.Exists(parent))
            throw Refused($"Directory '{parent}' does not exist on this host, in which '{Path.GetFileName(path)}' would be made; make it, or name another file with --export");
        if (Path.Exists(path))
            throw Refused($"'{path}' exists already; remove it, or name another file with --export");
        try
        {
            return new CheckpointFile(options, parent, $"{path}.partial-{job}", files, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused($"Nothing can be written to '{path}' ({e.Message}); name another file with --export", e);
        }
    }

    /// <inheritdoc/>
    public void RequireRoom(ulong bytes)
    {
        long available = new DriveInfo(_parent).AvailableFreeSpace;
        if (bytes > (ulong)available)
            throw Refused($"The memory takes about {bytes >> 20} MiB, and the file system of '{_options.Path}' has {available >> 20} MiB left; make room, or name another file with --export");
        // The files are written twice: as parts, and in the archive.
        _parts.Room = (available - (long)bytes) / 2;
    }

    /// <inheritdoc/>
    public void TakeFiles() => Saved(() => _files.Write(_parts.Open));

    /// <inheritdoc/>
    public void Write(CriuImageSet images, IPageContents contents, IReadOnlyList<PhaseTiming> phases) => Saved(() =>
    {
        using (var archive = new CheckpointArchiveWriter(_archive, CompressionOf(_options.Compression), _time))
        {
            _files.AddDumpsTo(archive);
            long began = Stopwatch.GetTimestamp();
            archive.AddImages(images, contents);
            archive.Add(ArchiveLayout.StatsDump, StatisticsOf(images, phases, Stopwatch.GetElapsedTime(began)).ToImage());
            _parts.AddTo(archive);
            archive.Complete();
        }

        _archive.Flush(flushToDisk: true);
        File.Move(_partial, _options.Path);
        _whole = true;
        DurableFiles.FlushDirectory(_parent);
    });

    public void Dispose()
    {
        _parts.Dispose();
        try
        {
            _archive.Dispose();
            if (!_whole) File.Delete(_partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk that failed the archive fails this too; by its name nobody takes it for whole.
        }
    }

    private void Saved(Action save)
    {
        try
        {
            save();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EngineException(FailureKind.SaveFailed, $"The archive could not be written to '{_options.Path}': {e.Message.TrimEnd('.')}.", e);
        }
        catch (DiskException e)
        {
            throw new EngineException(FailureKind.SaveFailed, $"The container's files cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
    }

    private static DumpStatistics StatisticsOf(CriuImageSet images, IReadOnlyList<PhaseTiming> phases, TimeSpan memWrite)
    {
        TimeSpan dump = Of("memdump");
        return new DumpStatistics(Of("freezing"), dump + Of("files") + Of("thaw"), dump, memWrite, images.PageBytes / PageRun.PageSize);

        TimeSpan Of(string name) => TimeSpan.FromMilliseconds(phases.Where(phase => phase.Name == name).Sum(phase => phase.Milliseconds));
    }

    private static ArchiveCompression CompressionOf(Compression compression) => compression switch
    {
        Compression.Gzip => ArchiveCompression.Gzip,
        Compression.Zstd => ArchiveCompression.Zstd,
        _ => ArchiveCompression.None,
    };

    private static EngineException Refused(string why, Exception? inner = null) => new(FailureKind.Refused, why + ".", inner);
}
