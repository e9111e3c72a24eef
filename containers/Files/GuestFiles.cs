using Watari.Disk;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Containers.Files;

/// <summary>
/// The files of a running guest as its first process sees them: its disks with what of them is only in its memory yet, and what lives in
/// memory alone. Of a guest that does not run, its disk is all there is (<see cref="OfDisks"/>).
/// <code>
/// IFileSystem files = GuestFiles.Of(kernel, Volumes.Of(disk));
/// byte[] state = files.Root.Find("/run/runc/redis/state.json"u8).ReadAll(1 &lt;&lt; 20);
/// </code>
/// </summary>
public static class GuestFiles
{
    private const int MaxFileSystems = 64;
    private const int MaxPathBytes = 1 << 20; // of all mount points together

    /// <param name="kernel">The guest's.</param>
    /// <param name="volumes">Of the guest's disks: what is mounted of them is told by the UUID that a file system bears on the disk and in the kernel.</param>
    /// <exception cref="GuestFileException">The guest's memory cannot be read; or its root is on none of the volumes.</exception>
    /// <exception cref="DiskException">A disk cannot be read.</exception>
    public static IFileSystem Of(GuestKernel kernel, IReadOnlyList<IDiskImage> volumes)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(volumes);
        List<Mount> mounts = GuestInode.Look(kernel, MountsOf);
        var opened = new Dictionary<GuestVirtualAddress, IFileSystem?>();
        var tree = new MountTree(FilesOf(mounts[0], kernel, volumes, opened) ?? throw new GuestFileException("The guest's root is on none of its disks that can be read."));
        foreach (Mount mount in mounts.Skip(1))
        {
            if (FilesOf(mount, kernel, volumes, opened) is { } files) tree.Mount(mount.Path.Span, files);
        }

        return tree;
    }

    /// <summary>
    /// The files of a guest that does not run, or whose kernel cannot be read: those of the volume that holds its root, as of the last commit of
    /// its journal. What it had mounted elsewhere is not known.
    /// </summary>
    /// <exception cref="GuestFileException">No root is on any of the volumes.</exception>
    /// <exception cref="DiskException">A disk cannot be read.</exception>
    public static IFileSystem OfDisks(IReadOnlyList<IDiskImage> volumes)
    {
        ArgumentNullException.ThrowIfNull(volumes);
        foreach (IDiskImage volume in volumes)
        {
            if (!Ext4FileSystem.IsOn(volume)) continue;
            var files = Ext4FileSystem.Open(volume);
            if (files.Root.TryFind("/etc/passwd"u8, out _)) return files;
        }

        throw new GuestFileException("None of the guest's disks that can be read holds its root.");
    }

    /// <summary>The root first, then in the order in which they were mounted: what is mounted over another comes after it.</summary>
    private static List<Mount> MountsOf(GuestKernel look)
    {
        if (!look.TryFindProcess(1, out TaskStruct first)) throw new KernelWalkException("init_task.tasks", "there is no process 1");
        PathStruct root = first.Fs.Value.Root;
        List<Mount> mounts = [new("/"u8.ToArray(), root.Mnt.Value.MntSb.Address, root.Dentry.Address, KindOf(root.Mnt.Value))];
        int pathBytes = 0;
        foreach (MountStruct mount in first.Nsproxy.Value.MntNs.Value.Mounts)
        {
            VfsMount mounted = mount.Mnt;
            if (mounted.Address == root.Mnt.Address || mount.MntParent.Address == mount.Address || KindOf(mounted) is not { } kind) continue;
            PathName path = PathName.Of(mount.MntParent.Value.Mnt, mount.MntMountpoint.Value, root);
            if (path.Origin != PathOrigin.Root) continue;
            pathBytes += path.Bytes.Length;
            if (pathBytes > MaxPathBytes) throw new KernelWalkException("mnt_namespace.mounts", $"paths of more than {MaxPathBytes} bytes");
            mounts.Add(new(path.Bytes, mounted.MntSb.Address, mounted.MntRoot.Address, kind));
        }

        return mounts;
    }

    /// <summary>Null of a kind of file system that holds nothing of containers.</summary>
    private static MountKind? KindOf(VfsMount mount)
    {
        KernelCharPointer name = mount.MntSb.Value.SType.Value.Name;
        if (name.SequenceEqual("tmpfs"u8)) return MountKind.Memory;
        return name.SequenceEqual("ext4"u8) || name.SequenceEqual("ext3"u8) || name.SequenceEqual("ext2"u8) ? MountKind.Disk : null;
    }

    /// <summary>Null where it is on a disk that is not there.</summary>
    private static IFileSystem? FilesOf(Mount mount, GuestKernel kernel, IReadOnlyList<IDiskImage> volumes, Dictionary<GuestVirtualAddress, IFileSystem?> opened)
    {
        if (mount.Kind == MountKind.Memory) return new MemoryFileSystem(kernel.At<DentryStruct>(mount.Root));
        (bool isWhole, Guid uuid, GuestVirtualAddress device) = GuestInode.Look(kernel, look =>
        {
            SuperBlock super = look.At<SuperBlock>(mount.SuperBlock);
            return (super.SRoot.Address == mount.Root, super.Uuid, super.SBdev.Address);
        });
        // A directory of it that is mounted elsewhere, too (mount --bind), is found at its own place.
        if (!isWhole || mount.Kind is null) return null;
        if (opened.TryGetValue(mount.SuperBlock, out IFileSystem? known)) return known;
        if (opened.Count == MaxFileSystems) throw new GuestFileException($"The guest has mounted more than {MaxFileSystems} file systems of disks.");
        return opened[mount.SuperBlock] = Open(kernel, mount.SuperBlock, uuid, device, volumes);
    }

    private static MountedFileSystem? Open(GuestKernel kernel, GuestVirtualAddress superBlock, Guid uuid, GuestVirtualAddress device, IReadOnlyList<IDiskImage> volumes)
    {
        foreach (IDiskImage volume in volumes)
        {
            if (!Ext4FileSystem.IsOn(volume)) continue;
            Ext4FileSystem files = Ext4FileSystem.OpenMounted(new MountedVolume(volume, kernel.At<BlockDeviceStruct>(device)));
            if (files.Uuid == uuid) return new MountedFileSystem(files, kernel.At<SuperBlock>(superBlock));
        }

        return null;
    }

    private enum MountKind
    {
        Memory,
        Disk,
    }

    /// <param name="Path">From the first process's root on.</param>
    /// <param name="Root">struct dentry * of what is seen there.</param>
    private readonly record struct Mount(ReadOnlyMemory<byte> Path, GuestVirtualAddress SuperBlock, GuestVirtualAddress Root, MountKind? Kind);
}
