namespace Watari.Disk.FileSystems;

/// <summary>
/// A file of any type, apart from its names. What is asked of a file of another type (entries of a regular file) is an
/// <see cref="InvalidOperationException"/>: <see cref="Status"/> tells. Any thread may read.
/// <code>
/// IInode config = fileSystem.Root.Find("/etc/hostname"u8);
/// byte[] text = config.ReadAll(limit: 4096);
/// </code>
/// </summary>
public interface IInode
{
    FileStatus Status { get; }

    /// <summary>Of a directory: what is in it, without <c>.</c> and <c>..</c>, in no order. Read as it is enumerated.</summary>
    /// <exception cref="DiskException"/>
    IEnumerable<DirectoryEntry> Entries { get; }

    /// <summary>Of a directory: the file that one of its entries names.</summary>
    /// <exception cref="DiskException"/>
    IInode Open(in DirectoryEntry entry);

    /// <summary>Of a directory: the file of that name in it. <c>.</c> and <c>..</c> are names of paths, not of files.</summary>
    /// <exception cref="DiskException"/>
    bool TryLookup(ReadOnlySpan<byte> name, out IInode inode);

    /// <summary>Of a regular file: copies bytes from an offset on, as many as the destination holds and the file has.</summary>
    /// <returns>How many; 0 at and behind the file's end.</returns>
    /// <exception cref="DiskException"/>
    int Read(long offset, Span<byte> destination);

    /// <summary>Of a regular file: the next bytes from an offset on that are not in a hole (SEEK_DATA and SEEK_HOLE of lseek(2)).</summary>
    /// <returns>False where nothing but a hole follows.</returns>
    /// <exception cref="DiskException"/>
    bool TryFindData(long offset, out FileRange data);

    /// <summary>Of a symbolic link: its target, as bytes.</summary>
    /// <exception cref="DiskException"/>
    ReadOnlyMemory<byte> ReadLink();

    /// <summary>Its extended attributes, as listxattr(2) and getxattr(2) give them to root.</summary>
    /// <exception cref="DiskException"/>
    IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes();
}

/// <summary>A name in a directory.</summary>
/// <param name="Name">Without a path.</param>
/// <param name="Ino">The number of the inode that it names.</param>
/// <param name="Type">The inode's type; <see cref="FileType.None"/> where the directory does not tell.</param>
public readonly record struct DirectoryEntry(FileName Name, ulong Ino, FileType Type);

/// <summary>Bytes of a file: from an offset on, of a length.</summary>
public readonly record struct FileRange(long Offset, long Length)
{
    public long End => Offset + Length;
}

/// <summary>An extended attribute.</summary>
/// <param name="Name">With its namespace, as in <c>user.mime_type</c>.</param>
/// <param name="Value">As getxattr(2) gives it.</param>
public readonly record struct ExtendedAttribute(FileName Name, ReadOnlyMemory<byte> Value);
