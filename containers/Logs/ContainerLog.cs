using Watari.Containers.Logs.Journal;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Logs;

/// <summary>
/// What a container has written to its standard output and error, from the files in which its engine or the guest's journal keeps it: with all
/// that has been written there and is not yet on the disk.
/// <code>
/// ContainerLog log = ContainerLog.Open(container, files);
/// for (LogPiece piece = log.Read(log.Tail(100)); ; piece = log.Read(piece.Next)) ...
/// </code>
/// </summary>
public abstract class ContainerLog
{
    private protected ContainerLog()
    {
    }

    /// <param name="guest">The guest's files, as they are now; the log is read as of then.</param>
    /// <exception cref="ContainerStoreException">Its engine keeps no log that is read here.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    public static ContainerLog Open(FoundContainer container, IFileSystem guest)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(guest);
        if (container.Record is not { } record) throw new ContainerStoreException($"where the log of {container.Id} is is not known: no record of it can be read");
        return (record.Runtime, record.LogDriver) switch
        {
            (ContainerRuntime.Docker, "json-file") => Open(LogFormat.JsonFile, guest, record.LogPath),
            (ContainerRuntime.Docker, "local") => Open(LogFormat.Local, guest, $"/var/lib/docker/containers/{record.Id}/local-logs/container.log"),
            // Podman takes the one for the other.
            (ContainerRuntime.Podman, "k8s-file" or "json-file") => Open(LogFormat.K8sFile, guest, record.LogPath),
            (ContainerRuntime.Docker, "journald") => JournalLog.Open(JournalWriter.Docker, record.Id, guest) ?? throw WithoutJournal(record),
            (ContainerRuntime.Podman, "journald") => JournalLog.Open(JournalWriter.Podman, record.Id, guest) ?? throw WithoutJournal(record),
            (_, "none") => throw new ContainerStoreException($"{Shown(record)} keeps no log (log driver none)"),
            (_, null) => throw new ContainerStoreException($"{record.Runtime.ToString().ToLowerInvariant()} keeps no log of {Shown(record)}: what it writes goes to whoever started it"),
            (_, var driver) => throw new ContainerStoreException($"{Shown(record)} logs by the driver {ShownText.Of(driver)}, of which nothing is kept in the guest's files"),
        };
    }

    internal static ContainerLog Open(LogFormat format, IFileSystem guest, string? path) => FileLog.Find(format, guest, path);

    /// <summary>Where so many entries follow; the beginning where there are no more. Of a log in which so many lie too far back, fewer follow.</summary>
    /// <exception cref="DiskException">The log cannot be read.</exception>
    public abstract LogPosition Tail(int count);

    /// <param name="from">Where; default is the oldest entry there is.</param>
    /// <param name="since">Only entries from then on.</param>
    /// <param name="until">Only entries up to then.</param>
    /// <exception cref="DiskException">The log cannot be read.</exception>
    public abstract LogPiece Read(LogPosition from, FileTime? since = null, FileTime? until = null);

    private static ContainerStoreException WithoutJournal(ContainerRecord record) => new(
        $"{Shown(record)} logs to the guest's journal (log driver journald), and the guest has none in its files, neither in {JournalFiles.Kept} nor in {JournalFiles.Volatile}");

    private static string Shown(ContainerRecord record) => ShownText.Of(record.Names is [var name, ..] ? name : record.Id.ToString());
}
