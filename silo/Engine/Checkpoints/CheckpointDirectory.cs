using Microsoft.Win32.SafeHandles;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>A directory of images alone: a process tree has nothing else, and of a container its files stay where they are.</summary>
internal sealed class CheckpointDirectory : ICheckpointOutput
{
    private const UnixFileMode OwnersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _path;
    private readonly string _parent;
    private readonly string _partial;
    private readonly bool _existed;
    private bool _whole;

    private CheckpointDirectory(string path, string parent, string partial, bool existed)
    {
        _path = path;
        _parent = parent;
        _partial = partial;
        _existed = existed;
    }

    /// <summary>Makes sure, before anything is touched in a VM, that images can be saved there.</summary>
    /// <param name="path">Absolute. What is there already must be an empty directory.</param>
    /// <param name="job">Names what is not whole yet.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>, and why.</exception>
    public static CheckpointDirectory Prepare(string path, string job)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        if (!Path.IsPathRooted(path) || Path.GetDirectoryName(path) is not { } parent)
            throw Refused($"'{path}' is not the absolute path of a directory that could be made");
        if (!Directory.Exists(parent))
            throw Refused($"Directory '{parent}' does not exist on this host, in which '{Path.GetFileName(path)}' would be made; make it, or name another with --directory");
        bool existed = Directory.Exists(path);
        if (existed && Directory.EnumerateFileSystemEntries(path).Any())
            throw Refused($"Directory '{path}' is not empty; name one with --directory that is, or that does not exist yet");
        if (File.Exists(path))
            throw Refused($"'{path}' is a file; name a directory with --directory");
        string partial = $"{path}.partial-{job}";
        try
        {
            // Its place must be free, and a mount point's is not.
            if (existed) Directory.Delete(path);
            Directory.CreateDirectory(partial, OwnersAlone);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (existed) Directory.CreateDirectory(path);
            throw Refused($"Nothing can be written to '{path}' ({e.Message}); name another directory with --directory", e);
        }

        return new CheckpointDirectory(path, parent, partial, existed);
    }

    /// <inheritdoc/>
    public void RequireRoom(ulong bytes)
    {
        long available = new DriveInfo(_parent).AvailableFreeSpace;
        if (bytes > (ulong)available)
            throw Refused($"The images take about {bytes >> 20} MiB, and the file system of '{_path}' has {available >> 20} MiB left; make room, or name another directory with --directory");
    }

    /// <summary>There are none.</summary>
    public void TakeFiles()
    {
    }

    /// <inheritdoc/>
    public void Write(CriuImageSet images, IPageContents contents, IReadOnlyList<PhaseTiming> phases)
    {
        try
        {
            images.WriteToDirectory(_partial, contents);
            foreach (string file in Directory.EnumerateFiles(_partial))
            {
                using SafeFileHandle written = File.OpenHandle(file);
                RandomAccess.FlushToDisk(written);
            }

            DurableFiles.FlushDirectory(_partial);
            Directory.Move(_partial, _path);
            _whole = true;
            DurableFiles.FlushDirectory(_parent);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EngineException(FailureKind.SaveFailed, $"The images could not be written to '{_path}': {e.Message.TrimEnd('.')}.", e);
        }
    }

    public void Dispose()
    {
        if (_whole) return;
        try
        {
            Directory.Delete(_partial, recursive: true);
            if (_existed) Directory.CreateDirectory(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk that failed the images fails this too; by its name nobody takes it for whole.
        }
    }

    private static EngineException Refused(string why, Exception? inner = null) => new(FailureKind.Refused, why + ".", inner);
}
