using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>
/// The directory that images are saved to. They are written beside it and get its name when all of them are on disk: what bears
/// the name is whole. Disposed before that, nothing of them is left.
/// </summary>
internal sealed partial class CheckpointDirectory : IDisposable
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
            throw Refused($"Directory '{parent}' does not exist on this host, in which '{Path.GetFileName(path)}' would be made; make it, or name another with --output");
        bool existed = Directory.Exists(path);
        if (existed && Directory.EnumerateFileSystemEntries(path).Any())
            throw Refused($"Directory '{path}' is not empty; name one with --output that is, or that does not exist yet");
        if (File.Exists(path))
            throw Refused($"'{path}' is a file; name a directory with --output");
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
            throw Refused($"Nothing can be written to '{path}' ({e.Message}); name another directory with --output", e);
        }

        return new CheckpointDirectory(path, parent, partial, existed);
    }

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: there is less room than that.</exception>
    public void RequireRoom(ulong bytes)
    {
        long available = new DriveInfo(_parent).AvailableFreeSpace;
        if (bytes > (ulong)available)
            throw Refused($"The images take about {bytes >> 20} MiB, and the file system of '{_path}' has {available >> 20} MiB left; make room, or name another directory with --output");
    }

    /// <summary>Writes the set and gives it its name. When this returns, it is on disk.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.SaveFailed"/>: the disk is full, or fails.</exception>
    public void Write(CriuImageSet images, IPageContents contents)
    {
        try
        {
            images.WriteToDirectory(_partial, contents);
            foreach (string file in Directory.EnumerateFiles(_partial))
            {
                using SafeFileHandle written = File.OpenHandle(file);
                RandomAccess.FlushToDisk(written);
            }

            Flush(_partial);
            Directory.Move(_partial, _path);
            _whole = true;
            Flush(_parent);
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

    /// <summary>The names in a directory are on disk only when it is flushed itself.</summary>
    private static void Flush(string directory)
    {
        const int readDirectory = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC
        using SafeFileHandle handle = Open(directory, readDirectory, 0);
        if (handle.IsInvalid || Fsync(handle) != 0)
            throw new IOException($"'{directory}' cannot be flushed ({Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())})");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);
}
