using System.Formats.Tar;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Archives;

/// <summary>
/// Writes a checkpoint archive from front to back; nothing of it is held in memory.
/// <code>
/// using var archive = new CheckpointArchiveWriter(file, ArchiveCompression.Zstd);
/// archive.Add(ArchiveLayout.ConfigDump, config);
/// archive.AddImages(images, contents);
/// archive.Complete();
/// </code>
/// </summary>
public sealed class CheckpointArchiveWriter : IDisposable
{
    // Memory of processes: nobody else's to read.
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode DirectoryMode = FileMode | UnixFileMode.UserExecute;

    private readonly Stream _destination;
    private readonly Stream _packer;
    private readonly TarWriter _tar;
    private readonly DateTimeOffset _time;

    /// <param name="destination">Gets the archive; it stays open.</param>
    /// <param name="compression">How it is packed.</param>
    /// <param name="time">When the container was saved.</param>
    public CheckpointArchiveWriter(Stream destination, ArchiveCompression compression, DateTimeOffset time)
    {
        _destination = destination;
        _packer = compression.Pack(destination);
        _tar = new TarWriter(_packer, TarEntryFormat.Gnu, leaveOpen: true);
        _time = time;
    }

    public void AddDirectory(string path) => Write(new GnuTarEntry(TarEntryType.Directory, path + "/") { Mode = DirectoryMode });

    public void Add(string path, ReadOnlyMemory<byte> contents)
    {
        using var stream = new MemoryStream(contents.ToArray(), writable: false);
        Add(path, stream);
    }

    /// <param name="path">As "volumes/data.tar".</param>
    /// <param name="contents">Its bytes, from where it stands to its end; it can seek.</param>
    public void Add(string path, Stream contents) => Write(new GnuTarEntry(TarEntryType.RegularFile, path) { Mode = FileMode, DataStream = contents });

    /// <summary>CRIU's images, as <see cref="CriuImageSet.WriteToDirectory"/> writes them.</summary>
    /// <exception cref="PageContentsException">The location of a page does not exist in <paramref name="contents"/>.</exception>
    public void AddImages(CriuImageSet images, IPageContents contents)
    {
        ArgumentNullException.ThrowIfNull(images);
        AddDirectory(ArchiveLayout.Images);
        foreach ((string name, ReadOnlyMemory<byte> bytes) in images.Images) Add($"{ArchiveLayout.Images}/{name}", bytes);
        foreach (PageImage image in images.PageImages)
        {
            using var pages = new PageImageStream(image, contents);
            Add($"{ArchiveLayout.Images}/{image.FileName}", pages);
        }
    }

    /// <summary>The archive is whole.</summary>
    public void Complete()
    {
        _tar.Dispose();
        if (_packer != _destination) _packer.Dispose();
    }

    public void Dispose() => Complete();

    private void Write(GnuTarEntry entry)
    {
        entry.ModificationTime = _time;
        _tar.WriteEntry(entry);
    }
}
