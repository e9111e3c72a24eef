using System.Text;
using Watari.Containers.Files;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Containers.Root;

/// <summary>
/// The files of a container as its processes see them: its layers merged, and what is mounted in it. Of one that runs, its mounts are those
/// of its first process; of one that does not, those of its record.
/// <code>
/// ContainerRoot root = ContainerRoot.Open(container, GuestFiles.Of(kernel, volumes), kernel, volumes);
/// byte[] hosts = root.Root.Find("/etc/hosts"u8).ReadAll(limit: 1 &lt;&lt; 20);
/// </code>
/// </summary>
public sealed class ContainerRoot : IFileSystem
{
    private readonly MountTree _tree;
    private ulong _mounts;

    private ContainerRoot(IFileSystem root, ContainerLayers? layers)
    {
        Layers = layers;
        _tree = new MountTree(root);
    }

    public IInode Root => _tree.Root;

    /// <summary>Null where its root is no overlay: what it has changed cannot be told.</summary>
    public ContainerLayers? Layers { get; }

    /// <param name="guest">The guest's files, where its layers and volumes are.</param>
    /// <param name="kernel">Null of a guest that does not run.</param>
    /// <param name="volumes">Of the guest's disks.</param>
    /// <exception cref="ContainerStoreException">Where its files are is not known.</exception>
    /// <exception cref="DiskException">A disk or the guest's memory cannot be read, or its files are not there.</exception>
    public static ContainerRoot Open(FoundContainer container, IFileSystem guest, GuestKernel? kernel, IReadOnlyList<IDiskImage> volumes)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(guest);
        ContainerLayers? layers = container.Record?.Overlay is { } overlay ? ContainerLayers.Open(overlay, guest) : null;
        if (kernel is not null && container.RootPid is { } pid) return Running(kernel, pid, layers, volumes);
        return layers is not null ? Stopped(container.Record!, layers, guest)
            : throw new ContainerStoreException($"where the files of {container.Id} are is not known: it does not run, and {container.Runtime.ToString().ToLowerInvariant()} has written of no layers that are read here (overlay)");
    }

    private static ContainerRoot Running(GuestKernel kernel, int pid, ContainerLayers? layers, IReadOnlyList<IDiskImage> volumes)
    {
        IReadOnlyList<MountedFiles> mounts = MountedFiles.SeenBy(
            kernel, look => look.TryFindProcess(pid, out TaskStruct first) ? first : throw new KernelWalkException("init_task.tasks", $"the container's first process, {pid}, is gone"));
        var disks = new MountedDisks(kernel, volumes);
        var root = new ContainerRoot(RootOf(mounts[0], disks, layers), layers);
        foreach (MountedFiles mount in mounts.Skip(1)) root.Mount(mount.Path, disks.FilesOf(mount));
        return root;
    }

    private static ContainerRoot Stopped(ContainerRecord record, ContainerLayers layers, IFileSystem guest)
    {
        var root = new ContainerRoot(layers.Merged, layers);
        // What was mounted over another thing lies deeper.
        foreach (ContainerMount mount in record.Mounts.Where(mount => mount.Source is not null).OrderBy(mount => mount.Destination.Length))
            root.Mount(Encoding.UTF8.GetBytes(mount.Destination), SourceOf(mount, guest));
        return root;
    }

    /// <summary>One that cannot be found keeps no other file from being seen.</summary>
    private static IFileSystem SourceOf(ContainerMount mount, IFileSystem guest)
    {
        string what = $"a mount of {ShownText.Of(mount.Source!)}";
        try
        {
            return guest.Root.TryFind(Encoding.UTF8.GetBytes(mount.Source!), out IInode? source) ? new FilesOf(source) : new UnreadableFileSystem(what, "it is not in the guest's files");
        }
        catch (DiskException e) when (e is not DiskDeadlineException)
        {
            return new UnreadableFileSystem(what, e.Message);
        }
    }

    private void Mount(ReadOnlyMemory<byte> path, IFileSystem files) => _tree.Mount(path.Span, new NumberedFileSystem(files, ++_mounts));

    private static IFileSystem RootOf(MountedFiles root, MountedDisks disks, ContainerLayers? layers)
    {
        if (root.Kind == MountKind.Overlay) return layers?.Merged ?? throw new ContainerStoreException("its root is an overlay, and its runtime has written of no layers that are read here");
        return disks.TryOpen(root, out IFileSystem? files, out string why) ? files
            : throw new ContainerStoreException($"its root, on {root.FileSystem}, cannot be read ({why}): ext4, ext3, ext2, tmpfs and overlays of them are read");
    }

    private sealed class FilesOf(IInode root) : IFileSystem
    {
        public IInode Root => root;
    }
}
