using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>
/// The files and logs of a VM's containers, running and not, as they are outside of it: nothing is asked of the guest. Key: <c>HOST/VM</c>. It
/// lives on its host's silo. Paths are bytes, from the container's root on; what is read is read in pieces.
/// </summary>
[Alias("watari.IFilesGrain")]
public interface IFilesGrain : IGrainWithStringKey
{
    /// <param name="container">Its id.</param>
    /// <param name="follow">Whether a symbolic link at the path's end is followed.</param>
    /// <param name="after">The last name of the piece before; empty for the first.</param>
    /// <exception cref="EngineException">There is no such VM, container or path, or it cannot be read.</exception>
    [Alias("ListDirectory"), ResponseTimeout("00:00:30")]
    Task<DirectoryPiece> ListDirectoryAsync(string container, ImmutableArray<byte> path, bool follow, ImmutableArray<byte> after, CancellationToken cancellationToken = default);

    /// <summary>Bytes of a regular file, from an offset on.</summary>
    /// <exception cref="EngineException">There is no such VM, container or file, or it cannot be read.</exception>
    [Alias("ReadFile"), ResponseTimeout("00:00:30")]
    Task<FilePiece> ReadFileAsync(string container, ImmutableArray<byte> path, long offset, CancellationToken cancellationToken = default);

    /// <summary>The next piece of an archive of a file, or of a directory with all that is in it. A symbolic link at the path's end is not followed.</summary>
    /// <param name="archive">Names the archive from its first piece to its last: chosen by who asks.</param>
    /// <param name="piece">From 0 on; each once.</param>
    /// <exception cref="EngineException">There is no such VM, container or path, or it cannot be read; or the host knows nothing of the pieces before.</exception>
    [Alias("ReadArchive"), ResponseTimeout("00:00:30")]
    Task<ArchivePiece> ReadArchiveAsync(string container, ImmutableArray<byte> path, Guid archive, int piece, CancellationToken cancellationToken = default);

    /// <summary>What a container has changed of its image, as docker diff has it.</summary>
    /// <param name="from">How many were in the pieces before.</param>
    /// <exception cref="EngineException">There is no such VM or container, its root is no overlay, or it cannot be read.</exception>
    [Alias("ListChanges"), ResponseTimeout("00:00:30")]
    Task<ChangesPiece> ListChangesAsync(string container, int from, CancellationToken cancellationToken = default);

    /// <exception cref="EngineException">There is no such VM or container, it keeps no log that is read here, or it cannot be read.</exception>
    [Alias("ReadLog"), ResponseTimeout("00:00:30")]
    Task<ContainerLogPiece> ReadLogAsync(string container, LogQuestion question, CancellationToken cancellationToken = default);
}
