using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>A place in the tree of mounts: a mount and a name in it (struct path, include/linux/path.h).</summary>
[KernelStruct("path")]
public readonly partial record struct PathStruct
{
    [Field] public partial Ptr<VfsMount> Mnt { get; }

    [Field] public partial Ptr<DentryStruct> Dentry { get; }

    /// <summary>The path as text, as a process with this root sees it.</summary>
    /// <exception cref="KernelWalkException">No root is reached.</exception>
    public PathName NameFrom(PathStruct root) => PathName.Of(this, root);
}

/// <summary>The public half of a mount (include/linux/mount.h).</summary>
[KernelStruct("vfsmount")]
public readonly partial record struct VfsMount
{
    [Field] public partial Ptr<DentryStruct> MntRoot { get; }

    [Field] public partial Ptr<SuperBlock> MntSb { get; }

    /// <summary>MNT_* (include/linux/mount.h).</summary>
    [Field] public partial int MntFlags { get; }

    public MountFlags Flags => (MountFlags)MntFlags;

    /// <summary>The whole mount: real_mount.</summary>
    public MountStruct Mount => MountStruct.At(Kernel, Address - MountStruct.At(Kernel, default).Mnt.Address.Value);
}

/// <summary>A mount (fs/mount.h).</summary>
[KernelStruct("mount")]
public readonly partial record struct MountStruct
{
    /// <summary>The mount that it stands in; of a topmost one itself.</summary>
    [Field] public partial Ptr<MountStruct> MntParent { get; }

    [Field] public partial Ptr<DentryStruct> MntMountpoint { get; }

    [Embedded] public partial VfsMount Mnt { get; }

    /// <summary>What is mounted, as mount(2) was told: a device or a word.</summary>
    [Field] public partial KernelCharPointer MntDevname { get; }

    /// <summary>Its peer group, if it is shared.</summary>
    [Field] public partial int MntGroupId { get; }

    /// <summary>The mount that it takes changes from, if it is a slave.</summary>
    [Field] public partial Ptr<MountStruct> MntMaster { get; }

    /// <summary>Its node in its namespace's tree (2eea9ce4310d, v6.8) or list (before).</summary>
    [Embedded(Optional = true)] internal partial RbNode? MntNode { get; }

    [Embedded(Optional = true)] internal partial ListHead? MntList { get; }

    /// <summary>Its node among the mounts of its file system.</summary>
    [Embedded(Optional = true)] internal partial ListHead? MntInstance { get; }

    [Field(Optional = true)] internal partial Ptr<MountStruct>? MntNextForSb { get; }

    /// <summary>As in /proc/PID/mountinfo.</summary>
    [Field] public partial int MntId { get; }

    /// <summary>struct mnt_namespace *; null for a mount that is gone (lazily unmounted) or internal.</summary>
    [Field] public partial GuestVirtualAddress MntNs { get; }
}
