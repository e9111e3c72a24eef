using Watari.Disk;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Containers.Files;

/// <summary>
/// The files of a running guest as its first process sees them: its disks with what of them is only in its memory yet, and what lives in
/// memory alone. Of a guest that does not run, a disk's own <see cref="Ext4FileSystem"/> is all there is.
/// <code>
/// IFileSystem files = GuestFiles.Of(kernel, Volumes.Of(disk));
/// byte[] state = files.Root.Find("/run/runc/redis/state.json"u8).ReadAll(1 &lt;&lt; 20);
/// </code>
/// </summary>
public static class GuestFiles
{
    /// <param name="kernel">The guest's.</param>
    /// <param name="volumes">Of the guest's disks: what is mounted of them is told by the UUID that a file system bears on the disk and in the kernel.</param>
    /// <exception cref="GuestFileException">The guest's memory cannot be read; or its root is on none of the volumes.</exception>
    /// <exception cref="DiskException">A disk cannot be read.</exception>
    public static IFileSystem Of(GuestKernel kernel, IReadOnlyList<IDiskImage> volumes)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(volumes);
        List<Mount> mounts = GuestInode.Look(kernel, MountsOf);
        var tree = new MountTree(FilesOf(mounts[0], kernel, volumes) ?? throw new GuestFileException("The guest's root is on none of its disks that can be read."));
        foreach (Mount mount in mounts.Skip(1))
        {
            if (FilesOf(mount, kernel, volumes) is { } files) tree.Mount(mount.Path.Span, files);
        }

        return tree;
    }

    /// <summary>The root first, then in the order in which they were mounted: what is mounted over another comes after it.</summary>
    private static List<Mount> MountsOf(GuestKernel look)
    {
        if (!look.TryFindProcess(1, out TaskStruct first)) throw new KernelWalkException("init_task.tasks", "there is no process 1");
        PathStruct root = first.Fs.Value.Root;
        List<Mount> mounts = [new("/"u8.ToArray(), root.Mnt.Value.MntSb.Address, root.Dentry.Address)];
        foreach (MountStruct mount in first.Nsproxy.Value.MntNs.Value.Mounts)
        {
            VfsMount mounted = mount.Mnt;
            if (mounted.Address == root.Mnt.Address || mount.MntParent.Address == mount.Address) continue;
            PathName path = PathName.Of(mount.MntParent.Value.Mnt, mount.MntMountpoint.Value, root);
            if (path.Origin == PathOrigin.Root) mounts.Add(new(path.Bytes, mounted.MntSb.Address, mounted.MntRoot.Address));
        }

        return mounts;
    }

    /// <summary>Null where it is of a kind that holds nothing of containers, or is on a disk that is not there.</summary>
    private static IFileSystem? FilesOf(Mount mount, GuestKernel kernel, IReadOnlyList<IDiskImage> volumes)
    {
        (string kind, bool isWhole, Guid uuid, GuestVirtualAddress device) = GuestInode.Look(kernel, look =>
        {
            SuperBlock super = look.At<SuperBlock>(mount.SuperBlock);
            return (super.SType.Value.Name.ToString(), super.SRoot.Address == mount.Root, super.Uuid, super.SBdev.Address);
        });
        if (kind == "tmpfs") return new MemoryFileSystem(kernel.At<DentryStruct>(mount.Root));
        // A directory of it that is mounted elsewhere, too (mount --bind), is found at its own place.
        if (kind is not ("ext2" or "ext3" or "ext4") || !isWhole) return null;
        foreach (IDiskImage volume in volumes)
        {
            if (!Ext4FileSystem.IsOn(volume)) continue;
            var seen = new MountedVolume(volume, kernel.At<BlockDeviceStruct>(device));
            Ext4FileSystem files = Ext4FileSystem.OpenMounted(seen);
            if (files.Uuid == uuid) return new MountedFileSystem(files, kernel.At<SuperBlock>(mount.SuperBlock));
        }

        return null;
    }

    /// <param name="Path">From the first process's root on.</param>
    /// <param name="Root">struct dentry * of what is seen there.</param>
    private readonly record struct Mount(ReadOnlyMemory<byte> Path, GuestVirtualAddress SuperBlock, GuestVirtualAddress Root);
}
