using System.Text;
using Watari.Checkpoint.Archives;
using Watari.Containers;
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
    private readonly OverlayDirectories? _layers;
    private readonly IReadOnlyList<SavedTree> _trees;

    private SavedFiles(VmLook look, ContainerDumps dumps, OverlayDirectories? layers, IReadOnlyList<SavedTree> trees)
    {
        _look = look;
        _layers = layers;
        _trees = trees;
        Dumps = dumps;
    }

    public ContainerDumps Dumps { get; }

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
            FoundContainer container = look.Inventory().Containers.FirstOrDefault(found => found.Id == id)
                ?? throw new ContainerStoreException("its engine has no record of it");
            var dumps = ContainerDumps.Read(container, look.Files());
            var files = new SavedFiles(look, dumps, options.IgnoreRootfs ? null : container.Record?.Overlay, [.. TreesOf(look.Files(), container, dumps, options)]);
            FilesTar.ForEach(() => (IEnumerable<IFileSystem>)[look.Files()], files.Open);
            return files;
        }
        catch (ContainerStoreException e)
        {
            string notes = string.Concat(look.Notes.Select(note => $" Of the VM: {note}."));
            throw new EngineException(FailureKind.Refused, $"No archive can be made of container '{id}' in VM '{vm}': {e.Message}.{notes} Its images alone can be saved with --directory.", e);
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
    }

    private static IEnumerable<SavedTree> TreesOf(IFileSystem guest, FoundContainer container, ContainerDumps dumps, CheckpointOptions options)
    {
        if (dumps.ShmDirectory is { } shm && guest.Root.TryFind(Encoding.UTF8.GetBytes(shm), out _)) yield return new SavedTree(ArchiveLayout.DevShm, Encoding.UTF8.GetBytes(shm));
        if (options.IgnoreVolumes) yield break;
        foreach (ContainerMount mount in container.Record?.Mounts ?? [])
        {
            // A guest may call its volumes anything: a name that is none has no place, too.
            if (mount is { Type: "volume", Source: { } source } && ContainerId.TryParse(mount.Name, out ContainerId name))
                yield return new SavedTree(ArchiveLayout.Volume(name.ToString()), Encoding.UTF8.GetBytes(source));
        }
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
