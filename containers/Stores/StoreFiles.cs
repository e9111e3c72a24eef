using System.Diagnostics;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Watari.Containers.Sqlite;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection;

namespace Watari.Containers.Stores;

/// <summary>
/// A guest's files as the stores read them: bounded each and together, read again where they were just being written, and with one kind of
/// error. What is not there is null, not an error: containers come and go.
/// </summary>
/// <param name="began">When the first look of several began, which share the time that they may take; a timestamp of <see cref="Stopwatch"/>.</param>
internal sealed class StoreFiles(IFileSystem files, ContainerLimits limits, bool withSizes, long began)
{
    private const int MaxTextBytes = 32 << 10; // overlay takes a page of names of lower directories

    private long _bytesLeft = limits.TotalBytes;

    internal delegate bool TryParseId(string? text, out ContainerId id);

    internal ContainerLimits Limits => limits;

    /// <summary>Nothing more is read then, and no look is taken again.</summary>
    internal static bool IsLate(ContainerLimits limits, long began) => Stopwatch.GetElapsedTime(began) > limits.Duration;

    /// <summary>Whether what takes long, the measuring of directories, is asked for.</summary>
    internal bool WithSizes => withSizes;

    /// <summary>What a directory has a file or directory of, by ids; what is none is passed over. Empty where there is no directory.</summary>
    /// <param name="what">What has the ids: <c>containers</c>.</param>
    internal ContainerId[] Ids(string directory, TryParseId parse, ICollection<UnreadableFile> unreadable, string what = "containers")
    {
        List<ContainerId> ids = [];
        try
        {
            Guarded(() =>
            {
                if (Find(directory) is not { Status.IsDirectory: true } inode) return;
                foreach (DirectoryEntry entry in inode.Entries)
                {
                    if (!parse(Encoding.UTF8.GetString(entry.Name.Bytes), out ContainerId id)) continue;
                    if (ids.Count == limits.Containers) throw new ContainerStoreException($"has more than {limits.Containers} {what}");
                    ids.Add(id);
                }
            });
        }
        catch (ContainerStoreException e)
        {
            unreadable.Add(new UnreadableFile(directory, e.Message));
        }

        return [.. ids.OrderBy(id => id.ToString(), StringComparer.Ordinal)];
    }

    /// <exception cref="ContainerStoreException">What is on the way cannot be read.</exception>
    internal bool Exists(string path) => Guarded(() => Find(path) is not null);

    /// <summary>Where a symbolic link leads; null where there is none.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read.</exception>
    internal string? Link(string path) => Guarded(() =>
        files.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? inode, followLast: false) && inode.Status.Type == FileType.SymbolicLink ? Encoding.UTF8.GetString(inode.ReadLink().Span) : null);

    /// <summary>Bytes of all files under a directory; one that has several names counts once. Null where there is no directory.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read.</exception>
    internal long? TreeBytes(string directory) => Guarded<long?>(() =>
    {
        if (Find(directory) is not { Status.IsDirectory: true } root) return null;
        long bytes = 0;
        HashSet<ulong> seen = [];
        foreach (TreeFile file in root.Tree(new DiskLimits { TreeEntries = limits.TreeEntries }))
        {
            FileStatus status = file.Inode.Status;
            if (!status.IsDirectory && seen.Add(status.Ino)) bytes += status.Size;
        }

        return bytes;
    });

    /// <summary>A file of one line; null where there is none.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read.</exception>
    internal string? Text(string path) => Read(path, MaxTextBytes) is { } bytes ? Encoding.UTF8.GetString(bytes).Trim() : null;

    /// <summary>A file of JSON; null where there is none. One that is not whole is read again, as long as it changes.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read, or is not that JSON.</exception>
    internal T? Json<T>(string path, JsonTypeInfo<T> type) where T : class
    {
        byte[]? before = null;
        for (int attempt = 1; ; attempt++)
        {
            if (Read(path, limits.FileBytes) is not { } bytes) return null;
            try
            {
                return JsonText.Parse(bytes, type);
            }
            catch (ContainerStoreException) when (attempt < limits.Attempts && (before is null || !before.AsSpan().SequenceEqual(bytes)))
            {
                before = bytes;
            }
        }
    }

    /// <summary>A file of JSON as it stands, byte by byte, if it can be read as that type; null where there is none.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read, or is not that JSON.</exception>
    internal byte[]? Document<T>(string path, JsonTypeInfo<T> type) where T : class
    {
        byte[]? document = Read(path, limits.FileBytes);
        if (document is not null) JsonText.Parse(document, type);
        return document;
    }

    /// <summary>A database in one file, as it was at one moment; null where there is none.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read, or changes each time.</exception>
    internal byte[]? BoltDatabase(string path) => Settled(() => [Read(path, limits.DatabaseBytes)])[0];

    /// <summary>A database of SQLite with its logs, as they were at one moment; null where there is none.</summary>
    /// <exception cref="ContainerStoreException">It cannot be read, or changes each time.</exception>
    internal SqliteFiles? SqliteDatabase(string path) =>
        Settled(() => [Read(path, limits.DatabaseBytes), Read(path + "-wal", limits.DatabaseBytes), Read(path + "-journal", limits.DatabaseBytes)]) is [{ } database, var log, var journal]
            ? new SqliteFiles(database, log, journal)
            : null;

    private byte[]? Read(string path, int limit) => Guarded(() =>
    {
        if (Find(path) is not { } inode) return null;
        FileStatus status = inode.Status;
        if (status.Type != FileType.Regular) throw new ContainerStoreException("is no regular file");
        if (status.Size > Math.Min(limit, _bytesLeft)) throw new ContainerStoreException($"has {status.Size} bytes; the limit is {limit}, and {limits.TotalBytes} for all together");
        _bytesLeft -= status.Size;
        return inode.ReadAll(limit);
    });

    /// <summary>Files that belong together, read until nothing has changed between two times.</summary>
    private byte[]?[] Settled(Func<byte[]?[]> read)
    {
        byte[]?[] before = read();
        for (int attempt = 1; attempt <= limits.Attempts; attempt++)
        {
            if (before.All(file => file is null)) return before;
            byte[]?[] now = read();
            if (before.Zip(now).All(pair => pair.First is null ? pair.Second is null : pair.Second is not null && pair.First.AsSpan().SequenceEqual(pair.Second))) return now;
            before = now;
        }

        throw new ContainerStoreException($"was written anew each of {limits.Attempts} times that it was read");
    }

    private IInode? Find(string path) => files.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? inode) ? inode : null;

    private void Guarded(Action read) => Guarded(() =>
    {
        read();
        return true;
    });

    private T Guarded<T>(Func<T> read)
    {
        if (IsLate(limits, began)) throw new ContainerStoreException($"is not read: all before it took more than {limits.Duration.TotalSeconds} s");
        try
        {
            return read();
        }
        catch (Exception e) when (e is DiskException or IntrospectionException)
        {
            throw new ContainerStoreException(e.Message, e);
        }
    }
}
