using System.Text;
using Watari.Checkpoint.Archives;
using Watari.Containers;
using Watari.Containers.Dumps;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection.Containers;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Migration.Volumes;
using ContainerId = Watari.Containers.ContainerId;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>What an archive holds of a container beside its memory: what its engine has written of it, and its files.</summary>
internal sealed class SavedFiles
{
    /// <summary>How often files that change meanwhile are looked at.</summary>
    private const int LooksAtRunning = 20;

    private readonly VmLook _look;
    private readonly OverlayDirectories? _layers;
    private readonly IReadOnlyList<SavedTree> _trees;

    private SavedFiles(VmLook look, FoundContainer container, ContainerDumps dumps, OverlayDirectories? layers, IReadOnlyList<SavedTree> trees)
    {
        _look = look;
        _layers = layers;
        _trees = trees;
        Container = container;
        Dumps = dumps;
    }

    public ContainerDumps Dumps { get; }

    /// <summary>As it was found: one that its engine has a record of.</summary>
    public FoundContainer Container { get; }

    /// <summary>What its engine has written of it.</summary>
    public ContainerRecord Record => Container.Record!;

    /// <summary>Looks at the container while it runs. What of it cannot be read is found here, and not when it stands still.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: not enough is known of it for an archive.</exception>
    /// <exception cref="DiskException">Its files cannot be read.</exception>
    public static SavedFiles Find(VmLook look, WorkloadId workload, CheckpointOptions options)
    {
        string vm = look.Id.Vm;
        if (workload.Container is not { } id)
            throw new EngineException(FailureKind.Refused, $"{workload} in VM '{vm}' is no container, which an archive is of: save its images with --directory.");
        try
        {
            return Find(look, id, withRootfs: !options.IgnoreRootfs, withVolumes: !options.IgnoreVolumes);
        }
        catch (ContainerStoreException e)
        {
            string notes = string.Concat(look.Notes.Select(note => $" Of the VM: {note}."));
            throw new EngineException(FailureKind.Refused, $"No archive can be made of container '{id}' in VM '{vm}': {e.Message}.{notes} Its images alone can be saved with --directory.", e);
        }
    }

    /// <summary>The same, of a container that is known to be one.</summary>
    /// <exception cref="ContainerStoreException">Its engine has no record of it, or it cannot be read.</exception>
    /// <exception cref="DiskException">Its files cannot be read.</exception>
    public static SavedFiles Find(VmLook look, string id, bool withRootfs = true, bool withVolumes = true)
    {
        FoundContainer container = look.Inventory().Containers.FirstOrDefault(found => found.Id == id) ?? throw new ContainerStoreException("its engine has no record of it");
        var dumps = ContainerDumps.Read(container, look.Files());
        ContainerRecord record = container.Record!;
        var files = new SavedFiles(look, container, dumps, withRootfs ? record.Overlay : null, [.. TreesOf(look.Files(), record, dumps, withVolumes)]);
        FilesTar.ForEach(() => (IEnumerable<IFileSystem>)[look.Files()], files.Open);
        return files;
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
            catch (DiskException) when (look < LooksAtRunning && !_look.IsLate)
            {
                // A name was read, and its file removed.
            }
        }
    }

    /// <summary>Writes its files, each part where the archive has it. The container must stand still meanwhile.</summary>
    /// <param name="open">Gives a stream for a part by its path in the archive; it can be read and sought in.</param>
    /// <exception cref="DiskException">They cannot be read.</exception>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void Write(Func<string, Stream> open)
    {
        if (_layers is { } layers) WriteChanges(layers, open);
        foreach (SavedTree tree in _trees)
        {
            var tar = new FilesTar(open(tree.Part));
            FilesTar.ForEach(() => Root().Tree(), file => tar.Add(file.Path, file.Inode));
            tar.End();
            tar.Settle(Root);

            IInode Root() => _look.Files().Root.Find(tree.Path);
        }

        if (Record.Runtime == ContainerRuntime.Podman && LogIn(_look.Files()) is { } log) Copy(log, open(ArchiveLayout.Log));
    }

    /// <summary>Writes what another Docker must put in place beside the volumes: see <see cref="ManagedFiles"/>. The container must stand still meanwhile.</summary>
    /// <exception cref="DiskException">They cannot be read.</exception>
    /// <exception cref="IOException">They cannot be written, or are more than the limit.</exception>
    public void WriteChanges(VolumeChangesWriter changes, VolumeLimits limits, CancellationToken cancellationToken)
    {
        var memory = new VolumeMemory(limits.KnownBytes);
        if (_layers is { } layers)
            new VolumeCopy(ManagedFiles.Root, memory).WriteChanges(changes, () => ContainerLayers.Open(layers, _look.Files()), limits, cancellationToken);
        if (LogIn(_look.Files()) is null) return;
        string log = Record.LogPath!;
        new VolumeCopy(ManagedFiles.Log, memory).WriteFile(
            changes, () => _look.Files().Root.Find(Encoding.UTF8.GetBytes(Path.GetDirectoryName(log)!)), Encoding.UTF8.GetBytes(Path.GetFileName(log)), limits, cancellationToken);
    }

    /// <summary>Directories of the guest that come along whole: /dev/shm where podman mounts it, and named volumes.</summary>
    private static IEnumerable<SavedTree> TreesOf(IFileSystem guest, ContainerRecord record, ContainerDumps dumps, bool withVolumes)
    {
        if (dumps.ShmDirectory is { } shm && guest.Root.TryFind(Encoding.UTF8.GetBytes(shm), out _)) yield return new SavedTree(ArchiveLayout.DevShm, Encoding.UTF8.GetBytes(shm));
        if (!withVolumes) yield break;
        foreach ((ContainerId name, byte[] path) in VolumesOf(record)) yield return new SavedTree(ArchiveLayout.Volume(name.ToString()), path);
    }

    /// <summary>Its named volumes, and where they are in the guest.</summary>
    public static IEnumerable<(ContainerId Name, byte[] Path)> VolumesOf(ContainerRecord record)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (ContainerMount mount in record.Mounts)
        {
            // A guest may call its volumes anything: a name that is none has no place, too. One may be mounted in several places.
            if (mount is { Type: "volume", Source: { } source } && ContainerId.TryParse(mount.Name, out ContainerId name) && seen.Add(source))
                yield return (name, Encoding.UTF8.GetBytes(source));
        }
    }

    private static void Copy(IInode file, Stream to)
    {
        byte[] buffer = new byte[1 << 16];
        for (long at = 0; file.Read(at, buffer) is > 0 and int read; at += read) to.Write(buffer, 0, read);
    }

    /// <summary>Reads the first directory of each.</summary>
    private void Open(IFileSystem guest)
    {
        if (_layers is { } layers) _ = ContainerLayers.Open(layers, guest).Merged.Root.Entries.Any();
        foreach (SavedTree tree in _trees)
        {
            IInode root = guest.Root.Find(tree.Path);
            if (root.Status.IsDirectory) _ = root.Entries.Any();
        }
    }

    private long MeasureOnce()
    {
        const long header = 1024; // of a tar, with attributes
        IFileSystem guest = _look.Files();
        long bytes = 0;
        if (_layers is { } layers)
        {
            foreach (FileChange change in ContainerLayers.Open(layers, guest).Changes()) Add(change.Inode);
        }

        foreach (SavedTree tree in _trees)
        {
            foreach (TreeFile file in guest.Root.Find(tree.Path).Tree()) Add(file.Inode);
        }

        Add(LogIn(guest));
        return bytes;

        void Add(IInode? file) => bytes += header + (file is { Status.Type: FileType.Regular } regular ? regular.Status.Size : 0);
    }

    /// <summary>The log that comes along: one that the engine keeps beside the container.</summary>
    private IInode? LogIn(IFileSystem guest) => IsLogBeside(Record, out string path) && guest.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? log) && log.Status.Type == FileType.Regular
            ? log
            : null;

    private static bool IsLogBeside(ContainerRecord record, out string path)
    {
        path = record.LogPath ?? "";
        return record.Runtime switch
        {
            ContainerRuntime.Podman => record.Bundle is { } bundle && path == $"{bundle}/{ArchiveLayout.Log}",
            ContainerRuntime.Docker => record.LogDriver == "json-file" && path.EndsWith($"/containers/{record.Id}/{record.Id}-json.log", StringComparison.Ordinal),
            _ => false,
        };
    }

    /// <summary>As podman has it: what is new or changed in a tar, what is gone in a list.</summary>
    private void WriteChanges(OverlayDirectories layers, Func<string, Stream> open)
    {
        FilesTar? tar = null;
        List<string> deleted = [];
        FilesTar.ForEach(() => Layers().Changes(), change =>
        {
            if (ContainerChanges.IsMadeByPodman(change.Path.Span)) return;
            if (change.Inode is { } file) (tar ??= new FilesTar(open(ArchiveLayout.RootfsDiff))).Add(change.Path, file);
            else deleted.Add("/" + Encoding.UTF8.GetString(change.Path.Span));
        });
        tar?.End();
        tar?.Settle(() => Layers().Merged.Root);
        if (deleted.Count > 0) open(ArchiveLayout.DeletedFiles).Write(ArchiveLayout.DeletedFilesOf(deleted));

        ContainerLayers Layers() => ContainerLayers.Open(layers, _look.Files());
    }

    /// <summary>A directory that is saved whole.</summary>
    /// <param name="Part">Its path in the archive.</param>
    /// <param name="Path">In the guest.</param>
    private sealed record SavedTree(string Part, byte[] Path);
}
