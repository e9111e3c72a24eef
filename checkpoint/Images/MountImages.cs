using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>mountpoints-N: the mounts of a namespace, the last one first.</summary>
internal static class MountImages
{
    // criu/filesystems.c; what it has no own treatment for stands as "unsupported" and must come from outside, as a root file system does.
    private static readonly (string Name, Proto.FsType Type)[] FileSystems =
    [
        ("proc", Proto.FsType.Proc),
        ("sysfs", Proto.FsType.Sysfs),
        ("devtmpfs", Proto.FsType.Devtmpfs),
        ("binfmt_misc", Proto.FsType.BinfmtMisc),
        ("tmpfs", Proto.FsType.Tmpfs),
        ("devpts", Proto.FsType.Devpts),
        ("simfs", Proto.FsType.Simfs),
        ("pstore", Proto.FsType.Pstore),
        ("securityfs", Proto.FsType.Securityfs),
        ("fusectl", Proto.FsType.Fusectl),
        ("debugfs", Proto.FsType.Debugfs),
        ("cgroup", Proto.FsType.Cgroup),
        ("mqueue", Proto.FsType.Mqueue),
        ("fuse", Proto.FsType.Fuse),
        ("overlay", Proto.FsType.Overlayfs),
        ("autofs", Proto.FsType.Autofs),
        ("tracefs", Proto.FsType.Tracefs),
        ("cgroup2", Proto.FsType.Cgroup2),
    ];

    public static void Build(ImageSetWriter images, Container container, NamespaceIds ids)
    {
        foreach (MountNamespace mounts in container.MountNamespaces)
            images.Add(CriuImageKinds.Mountpoints, ids.Of(NamespaceKind.Mnt, mounts.Inum), mounts.Mounts.Reverse().Select(Build));
    }

    public static ImmutableArray<MountNamespace> Parse(ImageSetView images) =>
    [
        .. images.Numbers(CriuImageKinds.Mountpoints).Select(id => new MountNamespace(
            NamespaceImages.Inum(id, CriuImageKinds.Mountpoints),
            [.. images.Messages<Proto.MntEntry>(CriuImageKinds.Mountpoints, id).Reverse().Select(Parse)])),
    ];

    private static Proto.MntEntry Build(Mount mount)
    {
        var entry = new Proto.MntEntry
        {
            Fstype = FileSystems.FirstOrDefault(pair => pair.Name == mount.FileSystem).Type,
            MntId = (uint)mount.Id,
            RootDev = mount.Device,
            ParentMntId = (uint)mount.ParentId,
            Flags = (uint)mount.Flags,
            Root = ProtoText.Of(mount.Root),
            Mountpoint = ProtoText.Of(mount.MountPoint),
            Source = ProtoText.Of(mount.Source),
            Options = ProtoText.Of(mount.Options),
            SharedId = mount.PeerGroup,
            MasterId = mount.MasterGroup,
            SbFlags = (uint)mount.SuperblockFlags,
        };
        if (mount.ExternalKey is { } key)
            entry.ExtKey = ProtoText.Of(key);
        return entry;
    }

    private static Mount Parse(Proto.MntEntry entry) => new()
    {
        Id = (int)entry.MntId,
        ParentId = (int)entry.ParentMntId,
        FileSystem = FileSystems.FirstOrDefault(pair => pair.Type == entry.Fstype).Name ?? (entry.HasFsname ? entry.Fsname : "unsupported"),
        Device = entry.RootDev,
        Root = KernelText.Decode(entry.Root.Span),
        MountPoint = KernelText.Decode(entry.Mountpoint.Span),
        Source = KernelText.Decode(entry.Source.Span),
        Options = KernelText.Decode(entry.Options.Span),
        Flags = (MountFlags)entry.Flags,
        SuperblockFlags = (MountFlags)entry.SbFlags,
        PeerGroup = entry.SharedId,
        MasterGroup = entry.MasterId,
        ExternalKey = entry.HasExtKey ? KernelText.Decode(entry.ExtKey.Span) : null,
    };
}
