using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>A file as its file system knows it (struct inode, include/linux/fs.h).</summary>
[KernelStruct("inode")]
public readonly partial record struct InodeStruct
{
    /// <summary>Its type and permissions (st_mode).</summary>
    [Field] public partial ushort IMode { get; }

    /// <summary>In the guest's first user namespace.</summary>
    [Field("i_uid.val")] public partial uint IUid { get; }

    [Field("i_gid.val")] public partial uint IGid { get; }

    [Field] public partial Ptr<SuperBlock> ISb { get; }

    [Field] public partial Ptr<AddressSpaceStruct> IMapping { get; }

    [Field] public partial ulong IIno { get; }

    /// <summary>Names that lead to it; 0 for a deleted file.</summary>
    [Field] public partial uint INlink { get; }

    /// <summary>Of a device node: major &lt;&lt; 20 | minor.</summary>
    [Field] public partial uint IRdev { get; }

    /// <summary>In bytes.</summary>
    [Field] public partial long ISize { get; }

    [Field] public partial uint IGeneration { get; }

    /// <summary>Seconds since 1970. Split from its nanoseconds by 3aa63a569c64, v6.11; __i_atime since 12cd44023651, v6.7.</summary>
    [Field("i_atime_sec", "__i_atime.tv_sec", "i_atime.tv_sec")] public partial long AtimeSeconds { get; }

    [BitField("i_atime_nsec", "__i_atime.tv_nsec", "i_atime.tv_nsec")] public partial uint AtimeNanoseconds { get; }

    [Field("i_mtime_sec", "__i_mtime.tv_sec", "i_mtime.tv_sec")] public partial long MtimeSeconds { get; }

    [BitField("i_mtime_nsec", "__i_mtime.tv_nsec", "i_mtime.tv_nsec")] public partial uint MtimeNanoseconds { get; }

    /// <summary>Its names in the directory cache, linked by <see cref="DentryStruct.Alias"/>.</summary>
    [Embedded] public partial HlistHead IDentry { get; }

    /// <summary>Its node among its file system's files in memory.</summary>
    [Embedded] internal partial ListHead ISbList { get; }

    /// <summary>Locks on it; null where there were none yet.</summary>
    [Field] public partial Ptr<FileLockContext> IFlctx { get; }

    /// <summary>struct pipe_inode_info * of a pipe or FIFO.</summary>
    [Field] public partial GuestVirtualAddress IPipe { get; }

    /// <summary>The target of a symbolic link, where the inode holds it.</summary>
    [Field] public partial KernelCharPointer ILink { get; }

    /// <summary>What its file system keeps: of a namespace's file the struct ns_common.</summary>
    [Field] public partial GuestVirtualAddress IPrivate { get; }

    /// <summary>struct fsnotify_mark_connector *.</summary>
    [Field("i_fsnotify_marks")] internal partial GuestVirtualAddress MarksConnector { get; }

    /// <summary>What wants to know of it: inotify, dnotify and the like; null where nothing does.</summary>
    public Ptr<FsnotifyMarkConnector> Marks => new(Kernel, MarksConnector);

    internal static ulong MarksConnectorOffset(GuestKernel kernel) => (ulong)kernel.Types.Member("inode", "i_fsnotify_marks").ByteOffset;

    public FileType Type => (FileType)(IMode & FileTypeMask);

    private const int FileTypeMask = 0xf000; // S_IFMT

    /// <summary>Its names in the directory cache: hlist_for_each_entry over i_dentry.</summary>
    public HlistEntries<DentryStruct> Aliases => IDentry.Entries<DentryStruct>(static dentry => dentry.Alias);
}

/// <summary>S_IF* (include/uapi/linux/stat.h).</summary>
public enum FileType
{
    None = 0,
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    SymbolicLink = 0xa000,
    Socket = 0xc000,
}
