using System.Text;
using Watari.Checkpoint.Archives;
using Watari.Containers;
using Watari.Containers.Archives;
using Watari.Containers.Dumps;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine.Inventory;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>What an archive holds of a container beside its memory: what its engine has written of it, and its files.</summary>
internal sealed class SavedFiles
{
    private readonly VmLook _look;
    private readonly FoundContainer _container;

    private SavedFiles(VmLook look, FoundContainer container, ContainerDumps dumps)
    {
        _look = look;
        _container = container;
        Dumps = dumps;
    }

    public ContainerDumps Dumps { get; }

    /// <summary>Looks at the container while it runs.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: not enough is known of it for an archive.</exception>
    public static SavedFiles Find(VmLook look, WorkloadId workload)
    {
        string vm = look.Id.Vm;
        if (workload.Container is not { } id)
            throw new EngineException(FailureKind.Refused, $"{workload} in VM '{vm}' is no container, which an archive is of: save its images with --directory.");
        try
        {
            FoundContainer container = look.Inventory().Containers.FirstOrDefault(found => found.Id == id)
                ?? throw new ContainerStoreException("its engine has no record of it");
            return new SavedFiles(look, container, ContainerDumps.Read(container, look.Files()));
        }
        catch (ContainerStoreException e)
        {
            throw new EngineException(FailureKind.Refused, $"No archive can be made of container '{id}' in VM '{vm}': {e.Message}. Its images alone can be saved with --directory.", e);
        }
    }

    /// <summary>Writes its files, each part where the archive has it. The container must stand still meanwhile.</summary>
    /// <param name="open">Gives a stream for a part by its path in the archive.</param>
    /// <exception cref="DiskException">They cannot be read.</exception>
    /// <exception cref="IOException">They cannot be written.</exception>
    public void Write(Func<string, Stream> open, bool withRootfs, bool withVolumes)
    {
        IFileSystem guest = _look.Files();
        if (withRootfs && _container.Record?.Overlay is { } overlay) WriteChanges(ContainerLayers.Open(overlay, guest), open);
        if (Dumps.ShmDirectory is { } shm && guest.Root.TryFind(Encoding.UTF8.GetBytes(shm), out IInode? shared)) WriteTree(shared, open(ArchiveLayout.DevShm));
        if (!withVolumes) return;
        foreach (ContainerMount mount in _container.Record?.Mounts ?? [])
        {
            // A guest may call its volumes anything: a name that is none has no place, too.
            if (mount is { Type: "volume", Source: { } source } && ContainerId.TryParse(mount.Name, out ContainerId name))
                WriteTree(guest.Root.Find(Encoding.UTF8.GetBytes(source)), open(ArchiveLayout.Volume(name.ToString())));
        }
    }

    /// <summary>As podman has it: what is new or changed in a tar, what is gone in a list.</summary>
    private static void WriteChanges(ContainerLayers layers, Func<string, Stream> open)
    {
        PaxArchive? archive = null;
        List<string> deleted = [];
        foreach (FileChange change in layers.Changes())
        {
            if (ContainerChanges.IsMadeByPodman(change.Path.Span)) continue;
            if (change.Inode is { } file) (archive ??= new PaxArchive(open(ArchiveLayout.RootfsDiff))).Add(change.Path.Span, file);
            else deleted.Add("/" + Encoding.UTF8.GetString(change.Path.Span));
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
