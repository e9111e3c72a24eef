using Watari.Checkpoint.Archives;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>
/// The parts of an archive while they are written, for their lengths are not known before. Each is a file that has no name on the disk,
/// and is gone with this process.
/// </summary>
/// <param name="prefix">Of the names that they have for a moment.</param>
/// <param name="advice">What to do where they take more room than there is.</param>
internal sealed class ArchiveParts(string prefix, string advice) : IDisposable
{
    private readonly List<(string Path, FileStream Contents)> _parts = [];

    /// <summary>Bytes that they may take together.</summary>
    public long Room { get; set; } = long.MaxValue;

    /// <summary>A stream for the next part, by its path in the archive.</summary>
    public PartStream Open(string path)
    {
        FileStream part = CreateUnnamed($"{prefix}.{_parts.Count}");
        _parts.Add((path, part));
        return new PartStream(part, Take);
    }

    public void AddTo(CheckpointArchiveWriter archive)
    {
        if (_parts.Any(part => part.Path.StartsWith(ArchiveLayout.Volumes + "/", StringComparison.Ordinal))) archive.AddDirectory(ArchiveLayout.Volumes);
        foreach ((string path, FileStream part) in _parts)
        {
            part.Position = 0;
            archive.Add(path, part);
        }
    }

    public void Dispose()
    {
        foreach ((_, FileStream part) in _parts) part.Dispose();
        _parts.Clear();
    }

    /// <summary>A new file that is nobody else's to read: it holds what processes hold.</summary>
    public static FileStream Create(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        BufferSize = 1 << 16,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    /// <summary>Likewise, and its name is free again.</summary>
    public static FileStream CreateUnnamed(string path)
    {
        FileStream file = Create(path);
        File.Delete(path);
        return file;
    }

    private void Take(long bytes)
    {
        Room -= bytes;
        if (Room < 0) throw new IOException($"the container's files take more room than there is; {advice}");
    }
}
