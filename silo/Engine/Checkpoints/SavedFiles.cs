using System.Text;
using Watari.Checkpoint.Archives;
using Watari.Containers;
using Watari.Containers.Archives;
using Watari.Containers.Dumps;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Containers;
using Watari.Silo.Engine.Inventory;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>What an archive holds of a container beside its memory: what its engine has written of it, and its files.</summary>
internal sealed class SavedFiles
{
    /// <summary>What podman leaves out, too (libpod/diff.go): it makes them itself.</summary>
    private static readonly HashSet<string> s_engines = new(StringComparer.Ordinal)
    {
        "dev", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc", "run", "run/.containerenv", "run/notify", "run/podman-init", "run/secrets", "sys",
    };

    /// <summary>How often files that change meanwhile are looked at.</summary>
    private const int LooksAtRunning = 20;

    private readonly VmLook _look;
    private readonly FoundContainer _container;

    private SavedFiles(VmLook look, FoundContainer container, ContainerDumps dumps)
    {
        _look = look;
        _container = container;
        Dumps = dumps;
    }

    public ContainerDumps Dumps { get; }

    /// <summary>What its engine has written of it.</summary>
    public ContainerRecord Record => _container.Record!;

    /// <summary>Looks at the container while it runs.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: not enough is known of it for an archive.</exception>
    public static SavedFiles Find(VmLook look, WorkloadId workload)
    {
        string vm = look.Id.Vm;
        if (workload.Container is not { } id)
            throw new EngineException(FailureKind.Refused, $"{workload} in VM '{vm}' is no container, which an archive is of: save its images with --directory.");
        try
        {
            return Find(look, id);
        }
        catch (ContainerStoreException e)
        {
            throw new EngineException(FailureKind.Refused, $"No archive can be made of container '{id}' in VM '{vm}': {e.Message}. Its images alone can be saved with --directory.", e);
        }
    }

    /// <exception cref="ContainerStoreException">Its engine has no record of it, or it cannot be read.</exception>
    public static SavedFiles Find(VmLook look, string id)
    {
        FoundContainer container = look.Inventory().Containers.FirstOrDefault(found => found.Id == id) ?? throw new ContainerStoreException("its engine has no record of it");
        return new SavedFiles(look, container, ContainerDumps.Read(container, look.Files()));
    }

    /// <summary>Adds what its engine has written of it.</summary>
    public void AddDumpsTo(CheckpointArchiveWriter archive)
    {
        archive.Add(ArchiveLayout.ConfigDump, Dumps.Config);
        archive.Add(ArchiveLayout.SpecDump, Dumps.Spec);
        archive.Add(ArchiveLayout.NetworkStatus, Dumps.NetworkStatus);
    }

    /// <summary>Bytes that an archive of its files will take, about: it runs on, and what is made or removed meanwhile may be missed.</summary>
    /// <exception cref="DiskException">They cannot be read, however often.</exception>
    public long Measure()
    {
        for (int look = 1; ; look++)
        {
            try
            {
                return MeasureOnce();
            }
            catch (DiskException) when (look < LooksAtRunning)
            {
                // A name was read, and its file removed.
            }
        }
    }

    private long MeasureOnce()
    {
        const long header = 1024; // of a tar, with attributes
        IFileSystem guest = _look.Files();
        long bytes = 0;
        if (Record.Overlay is { } overlay)
        {
            foreach (FileChange change in ContainerLayers.Open(overlay, guest).Changes()) Add(change.Inode);
        }

        foreach ((_, IInode root) in Trees(guest))
        {
            foreach (TreeFile file in root.Tree()) Add(file.Inode);
        }

        Add(LogIn(guest));
        return bytes;

        void Add(IInode? file) => bytes += header + (file is { Status.Type: FileType.Regular } regular ? regular.Status.Size : 0);
    }

    /// <summary>Writes its files, each part where the archive has it. The container must stand still meanwhile.</summary>
    /// <param name="open">Gives a stream for a part by its path in the archive.</param>
    /// <exception cref="DiskException">They cannot be read.</exception>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void Write(Func<string, Stream> open, bool withRootfs, bool withVolumes)
    {
        IFileSystem guest = _look.Files();
        if (withRootfs && _container.Record?.Overlay is { } overlay) WriteChanges(ContainerLayers.Open(overlay, guest), open);
        foreach ((string path, IInode root) in Trees(guest))
        {
            if (withVolumes || path == ArchiveLayout.DevShm) WriteTree(root, open(path));
        }

        if (LogIn(guest) is { } log) Copy(log, open(ArchiveLayout.Log));
    }

    /// <summary>Directories of the guest that come along whole: /dev/shm where podman mounts it, and named volumes.</summary>
    private IEnumerable<(string Path, IInode Root)> Trees(IFileSystem guest)
    {
        if (Dumps.ShmDirectory is { } shm && guest.Root.TryFind(Encoding.UTF8.GetBytes(shm), out IInode? shared)) yield return (ArchiveLayout.DevShm, shared);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (ContainerMount mount in Record.Mounts)
        {
            // A guest may call its volumes anything: a name that is none has no place, too. One may be mounted in several places.
            if (mount is { Type: "volume", Source: { } source } && ContainerId.TryParse(mount.Name, out ContainerId name) && seen.Add(source))
                yield return (ArchiveLayout.Volume(name.ToString()), guest.Root.Find(Encoding.UTF8.GetBytes(source)));
        }
    }

    /// <summary>The log that podman takes along: one that it keeps beside the container.</summary>
    private IInode? LogIn(IFileSystem guest) =>
        Record is { Runtime: ContainerRuntime.Podman, LogPath: { } path, Bundle: { } bundle } && path == $"{bundle}/{ArchiveLayout.Log}"
        && guest.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? log) && log.Status.Type == FileType.Regular
            ? log
            : null;

    private static void Copy(IInode file, Stream to)
    {
        byte[] buffer = new byte[1 << 16];
        for (long at = 0; file.Read(at, buffer) is > 0 and int read; at += read) to.Write(buffer, 0, read);
    }

    /// <summary>As podman has it: what is new or changed in a tar, what is gone in a list.</summary>
    private static void WriteChanges(ContainerLayers layers, Func<string, Stream> open)
    {
        PaxArchive? archive = null;
        List<string> deleted = [];
        foreach (FileChange change in layers.Changes())
        {
            string path = Encoding.UTF8.GetString(change.Path.Span);
            if (s_engines.Contains(path)) continue;
            if (change.Inode is { } file) (archive ??= new PaxArchive(open(ArchiveLayout.RootfsDiff))).Add(change.Path.Span, file);
            else deleted.Add("/" + path);
        }

        archive?.End();
        if (deleted.Count > 0) open(ArchiveLayout.DeletedFiles).Write(ArchiveLayout.DeletedFilesOf(deleted));
    }

    private static void WriteTree(IInode root, Stream tar)
    {
        var archive = new PaxArchive(tar);
        foreach (TreeFile file in root.Tree()) archive.Add(file.Path.IsEmpty ? "."u8 : file.Path.Span, file.Inode);
        archive.End();
    }
}
