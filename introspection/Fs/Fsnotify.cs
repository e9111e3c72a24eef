using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>An inotify or fanotify instance (include/linux/fsnotify_backend.h).</summary>
[KernelStruct("fsnotify_group")]
public readonly partial record struct FsnotifyGroup
{
    [Embedded] public partial ListHead MarksList { get; }

    /// <summary>Events that wait to be read.</summary>
    [Field("q_len")] public partial uint QueueLength { get; }

    /// <summary>Its watches, if it is an inotify instance.</summary>
    public ListEntries<InotifyInodeMark> Watches => MarksList.Entries<InotifyInodeMark>(static mark => mark.Mark.GList);
}

/// <summary>What an instance wants to know of one inode (include/linux/fsnotify_backend.h).</summary>
[KernelStruct("fsnotify_mark")]
public readonly partial record struct FsnotifyMark
{
    private const uint AllEvents = 0xfff;               // IN_ALL_EVENTS
    private const uint ExcludeUnlinked = 0x0400_0000;   // IN_EXCL_UNLINK
    private const uint OneShot = 0x8000_0000;           // IN_ONESHOT
    private const uint ExcludeUnlinkedFlag = 0x10;      // FSNOTIFY_MARK_FLAG_EXCL_UNLINK
    private const uint OneShotFlag = 0x20;              // FSNOTIFY_MARK_FLAG_IN_ONESHOT

    [Embedded] public partial ListHead GList { get; }

    /// <summary>Its node among the marks of one object.</summary>
    [Embedded] public partial HlistNode ObjList { get; }

    /// <summary>struct fsnotify_group *.</summary>
    [Field] public partial GuestVirtualAddress Group { get; }

    [Field] public partial uint Mask { get; }

    [Field] public partial uint Flags { get; }

    [Field] public partial Ptr<FsnotifyMarkConnector> Connector { get; }

    /// <summary>IN_* as inotify_add_watch(2) took them. Two of them moved from the mask to the flags in v5.19.</summary>
    public uint UserMask
    {
        get
        {
            uint mask = Mask;
            uint flags = Flags;
            return (mask & (AllEvents | ExcludeUnlinked | OneShot))
                | ((flags & ExcludeUnlinkedFlag) != 0 ? ExcludeUnlinked : 0)
                | ((flags & OneShotFlag) != 0 ? OneShot : 0);
        }
    }
}

/// <summary>Ties marks to their object (include/linux/fsnotify_backend.h).</summary>
[KernelStruct("fsnotify_mark_connector")]
public readonly partial record struct FsnotifyMarkConnector
{
    /// <summary>The object, or its pointer to this connector: kernels differ.</summary>
    [Field] public partial GuestVirtualAddress Obj { get; }

    [Embedded] public partial HlistHead List { get; }

    public HlistEntries<FsnotifyMark> Marks => List.Entries<FsnotifyMark>(static mark => mark.ObjList);

    /// <summary>The inode that an inotify mark is on.</summary>
    public InodeStruct Inode
    {
        get
        {
            InodeStruct direct = InodeStruct.At(Kernel, Obj);
            return direct.MarksConnector == Address ? direct : InodeStruct.At(Kernel, Obj - InodeStruct.MarksConnectorOffset(Kernel));
        }
    }
}

/// <summary>A watch of inotify(7) (fs/notify/inotify/inotify.h).</summary>
[KernelStruct("inotify_inode_mark")]
public readonly partial record struct InotifyInodeMark
{
    [Embedded("fsn_mark")] public partial FsnotifyMark Mark { get; }

    /// <summary>The watch descriptor.</summary>
    [Field] public partial int Wd { get; }
}
