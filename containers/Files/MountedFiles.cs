using Watari.Disk.FileSystems;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Containers.Files;

/// <summary>What can be told of a kind of file system from outside.</summary>
internal enum MountKind
{
    /// <summary>ext2 to ext4.</summary>
    Disk,

    /// <summary>tmpfs, and devtmpfs, which is one.</summary>
    Memory,
    Overlay,

    /// <summary>The kernel makes up what is in it when it is asked: proc, sysfs, cgroups.</summary>
    MadeUp,

    /// <summary>Anything else.</summary>
    Other,
}

/// <summary>A mount, as a process sees it.</summary>
/// <param name="Path">From the process's root on.</param>
/// <param name="SuperBlock">struct super_block *.</param>
/// <param name="Root">struct dentry * of what is seen there.</param>
/// <param name="Within">Of a disk: where that is in its file system, from its root on.</param>
/// <param name="Kind">See <see cref="MountKind"/>.</param>
/// <param name="FileSystem">The kind's name.</param>
/// <param name="Status">What the kernel holds of what is seen there.</param>
/// <param name="IsDeleted">What is seen there has no name in its file system any more; another file may have the one that it had.</param>
internal sealed record MountedFiles(
    ReadOnlyMemory<byte> Path, GuestVirtualAddress SuperBlock, GuestVirtualAddress Root, ReadOnlyMemory<byte> Within, MountKind Kind, string FileSystem, FileStatus Status, bool IsDeleted)
{
    private const int MaxPathBytes = 1 << 20; // of all mounts together

    private static readonly HashSet<string> s_madeUp =
        ["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "debugfs", "tracefs", "bpf", "nsfs", "pstore", "configfs", "fusectl", "binfmt_misc", "efivarfs"];

    /// <summary>The process's root first, then in the order in which they were mounted: what is mounted over another comes after it.</summary>
    /// <param name="processOf">Finds the process in the look that it is given.</param>
    /// <exception cref="GuestFileException">The guest's memory cannot be read.</exception>
    internal static IReadOnlyList<MountedFiles> SeenBy(GuestKernel kernel, Func<GuestKernel, TaskStruct> processOf) => GuestInode.Look(kernel, look => Read(processOf(look)));

    private static List<MountedFiles> Read(TaskStruct process)
    {
        PathStruct root = process.Fs.Value.Root;
        List<MountedFiles> mounts = [Of("/"u8.ToArray(), root.Mnt.Value, root.Dentry.Value)];
        int pathBytes = 0;
        foreach (MountStruct mount in process.Nsproxy.Value.MntNs.Value.Mounts)
        {
            VfsMount mounted = mount.Mnt;
            if (mounted.Address == root.Mnt.Address || mount.MntParent.Address == mount.Address) continue;
            PathName path = PathName.Of(mount.MntParent.Value.Mnt, mount.MntMountpoint.Value, root);
            if (path.Origin != PathOrigin.Root) continue;
            MountedFiles seen = Of(path.Bytes, mounted, mounted.MntRoot.Value);
            pathBytes += path.Bytes.Length + seen.Within.Length;
            if (pathBytes > MaxPathBytes) throw new KernelWalkException("mnt_namespace.mounts", $"paths of more than {MaxPathBytes} bytes");
            mounts.Add(seen);
        }

        return mounts;
    }

    private static MountedFiles Of(ReadOnlyMemory<byte> path, VfsMount mount, DentryStruct root)
    {
        string name = mount.MntSb.Value.SType.Value.Name.ToString();
        MountKind kind = name switch
        {
            "ext4" or "ext3" or "ext2" => MountKind.Disk,
            "tmpfs" or "devtmpfs" => MountKind.Memory,
            "overlay" => MountKind.Overlay,
            _ => s_madeUp.Contains(name) ? MountKind.MadeUp : MountKind.Other,
        };
        return new MountedFiles(
            path, mount.MntSb.Address, root.Address, kind == MountKind.Disk ? root.PathInFileSystem : default, kind, name, GuestInode.StatusOf(root.DInode.Value), root.IsUnlinked);
    }
}
