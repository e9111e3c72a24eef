using Watari.Containers.Logs.Journal;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Logs;

/// <summary>A piece of a container's log.</summary>
/// <param name="Next">Where the next piece begins.</param>
/// <param name="IsLast">Nothing comes after it yet.</param>
/// <param name="Damaged">How many places were no entries, or more than is unpacked of a compressed file, and were passed over.</param>
/// <param name="IsBehind">What was to be read next is gone with its file, or lies farther back than is looked: entries are missing before this piece.</param>
public sealed record LogPiece(IReadOnlyList<LogEntry> Entries, LogPosition Next, bool IsLast, int Damaged, bool IsBehind);

/// <summary>
/// What a container has written to its standard output and error, from where its engine keeps it: with all that has been written there and not
/// yet put on the disk.
/// <code>
/// ContainerLog log = ContainerLog.Open(container, files);
/// for (LogPiece piece = log.Read(log.Tail(100)); ; piece = log.Read(piece.Next)) ...
/// </code>
/// </summary>
public abstract class ContainerLog
{
    /// <param name="guest">The guest's files, as they are now; the log is read as of then.</param>
    /// <exception cref="ContainerStoreException">Its engine keeps no log that is read here.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    public static ContainerLog Open(FoundContainer container, IFileSystem guest)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(guest);
        if (container.Record is not { } record) throw new ContainerStoreException($"where the log of {container.Id} is is not known: no record of it can be read");
        if (record.LogDriver == "journald") return JournalLog.Open(guest, record);
        (LogFormat format, string? path) = (record.Runtime, record.LogDriver) switch
        {
            (ContainerRuntime.Docker, "json-file") => (LogFormat.JsonFile, record.LogPath),
            (ContainerRuntime.Docker, "local") => (LogFormat.Local, $"/var/lib/docker/containers/{record.Id}/local-logs/container.log"),
            // Podman takes the one for the other.
            (ContainerRuntime.Podman, "k8s-file" or "json-file") => (LogFormat.K8sFile, record.LogPath),
            (_, "none") => throw new ContainerStoreException($"{Shown(record)} keeps no log (log driver none)"),
            (_, null) => throw new ContainerStoreException($"{record.Runtime.ToString().ToLowerInvariant()} keeps no log of {Shown(record)}: what it writes goes to whoever started it"),
            (_, var driver) => throw new ContainerStoreException($"{Shown(record)} logs by the driver {ShownText.Of(driver)}, of which nothing is kept in the guest's files"),
        };
        return Open(format, guest, path);
    }

    internal static ContainerLog Open(LogFormat format, IFileSystem guest, string? path) => new FileLog(format, LogFiles.Find(guest, path ?? ""));

    /// <summary>Where so many entries follow; the beginning where there are no more. Of a log in which so many lie too far back, fewer follow.</summary>
    public abstract LogPosition Tail(int count);

    /// <param name="from">Where; default is the oldest entry there is.</param>
    /// <param name="since">Only entries from then on.</param>
    /// <param name="until">Only entries up to then.</param>
    /// <exception cref="DiskException">The log cannot be read.</exception>
    public abstract LogPiece Read(LogPosition from, FileTime? since = null, FileTime? until = null);

    private protected static string Shown(ContainerRecord record) => ShownText.Of(record.Names is [var name, ..] ? name : record.Id.ToString());
}
