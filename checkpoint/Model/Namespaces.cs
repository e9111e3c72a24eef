using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>namespaces(7).</summary>
public enum NamespaceKind
{
    Pid,
    Net,
    Ipc,
    Uts,
    Mnt,
    User,
    Cgroup,
    Time,
}

/// <summary>The namespaces of a task, by the inode number of each (ns_common.inum).</summary>
public sealed record NamespaceSet
{
    public required uint Pid { get; init; }
    public required uint Net { get; init; }
    public required uint Ipc { get; init; }
    public required uint Uts { get; init; }
    public required uint Mnt { get; init; }
    public required uint User { get; init; }
    public required uint Cgroup { get; init; }
    public required uint Time { get; init; }

    public uint this[NamespaceKind kind] => kind switch
    {
        NamespaceKind.Pid => Pid,
        NamespaceKind.Net => Net,
        NamespaceKind.Ipc => Ipc,
        NamespaceKind.Uts => Uts,
        NamespaceKind.Mnt => Mnt,
        NamespaceKind.User => User,
        NamespaceKind.Cgroup => Cgroup,
        NamespaceKind.Time => Time,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}

/// <summary>A UTS namespace.</summary>
public sealed record UtsNamespace(uint Inum, string NodeName, string DomainName);

/// <summary>The settings of an IPC namespace (/proc/sys/kernel/{sem,msg*,shm*}, /proc/sys/fs/mqueue).</summary>
public sealed record IpcNamespace
{
    public required uint Inum { get; init; }

    /// <summary>SEMMSL, SEMMNS, SEMOPM, SEMMNI.</summary>
    public required ImmutableArray<uint> SemaphoreControls { get; init; }
    public required uint MessageMax { get; init; }
    public required uint MessageQueueBytes { get; init; }
    public required uint MessageQueues { get; init; }
    public required ulong SharedMemoryMax { get; init; }
    public required ulong SharedMemoryAll { get; init; }
    public required uint SharedMemorySegments { get; init; }
    public bool SharedMemoryRemoveForced { get; init; }
    public required uint PosixQueues { get; init; }
    public required uint PosixMessages { get; init; }
    public required uint PosixMessageSize { get; init; }
    public uint? PosixMessagesDefault { get; init; }
    public uint? PosixMessageSizeDefault { get; init; }
}

/// <summary>A mount namespace: the mounts that its processes can reach, a parent before its children, as /proc/PID/mountinfo lists them.</summary>
public sealed record MountNamespace(uint Inum, ImmutableArray<Mount> Mounts);

/// <summary>MS_… of one mount (linux/mount.h).</summary>
[Flags]
public enum MountFlags
{
    None = 0,
    ReadOnly = 1,
    NoSuid = 2,
    NoDev = 4,
    NoExec = 8,
    NoAtime = 0x400,
    NoDirAtime = 0x800,
    RelAtime = 0x200000,
    StrictAtime = 0x1000000,
}

/// <summary>A mount (struct mount).</summary>
public sealed record Mount
{
    public required int Id { get; init; }
    public required int ParentId { get; init; }

    /// <summary>Name of the file system's type: "ext4", "tmpfs".</summary>
    public required string FileSystem { get; init; }

    /// <summary>s_dev, as the kernel keeps it (major &lt;&lt; 20 | minor).</summary>
    public required uint Device { get; init; }

    /// <summary>What of the file system is mounted.</summary>
    public required string Root { get; init; }

    /// <summary>As the container's root sees it.</summary>
    public required string MountPoint { get; init; }
    public required string Source { get; init; }

    /// <summary>Options of the file system.</summary>
    public string Options { get; init; } = "";
    public MountFlags Flags { get; init; }
    public MountFlags SuperblockFlags { get; init; }

    /// <summary>Peer group; 0: private.</summary>
    public uint PeerGroup { get; init; }

    /// <summary>The peer group it receives from; 0: none.</summary>
    public uint MasterGroup { get; init; }

    /// <summary>It comes from outside of the container; the key under which the runtime hands it in.</summary>
    public string? ExternalKey { get; init; }
}

/// <summary>The contents of a tmpfs.</summary>
/// <param name="Device">s_dev.</param>
/// <param name="Root">Its root directory; named ".".</param>
public sealed record TmpfsTree(uint Device, TmpfsEntry Root);

/// <summary>A file of a tmpfs.</summary>
public sealed record TmpfsEntry
{
    public required string Name { get; init; }

    /// <summary>st_mode, its type with it.</summary>
    public required uint Mode { get; init; }
    public uint Uid { get; init; }
    public uint Gid { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long ModificationTime { get; init; }

    /// <summary>Of a directory.</summary>
    public ImmutableArray<TmpfsEntry> Children { get; init; } = [];

    /// <summary>Of a symbolic link.</summary>
    public string? LinkTarget { get; init; }

    /// <summary>Of a device node.</summary>
    public uint DeviceMajor { get; init; }
    public uint DeviceMinor { get; init; }

    /// <summary>Of a regular file.</summary>
    public FileContents? Contents { get; init; }
}
