using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>A file system that is there, mounted or internal (include/linux/fs.h).</summary>
[KernelStruct("super_block")]
public readonly partial record struct SuperBlock
{
    private const ulong NoUser = 1UL << 31; // SB_NOUSER
    private const ulong Nsfs = 0x6e736673;  // NSFS_MAGIC; without SB_NOUSER in v7.2

    /// <summary>Its device number, major &lt;&lt; 20 | minor.</summary>
    [Field] public partial uint SDev { get; }

    [Field] public partial Ptr<FileSystemType> SType { get; }

    /// <summary>What tells the kind of file system (include/uapi/linux/magic.h).</summary>
    [Field] public partial ulong SMagic { get; }

    /// <summary>What the kind of file system keeps for it: of tmpfs a struct shmem_sb_info.</summary>
    [Field] public partial GuestVirtualAddress SFsInfo { get; }

    /// <summary>SB_* (include/linux/fs.h).</summary>
    [Field] public partial ulong SFlags { get; }

    /// <summary>It is the kernel's own and cannot be mounted: pipefs, sockfs, nsfs.</summary>
    public bool IsKernels => (SFlags & NoUser) != 0 || SMagic == Nsfs;

    [Field] public partial Ptr<DentryStruct> SRoot { get; }

    /// <summary>What it lies on; null where it lives in memory alone, or comes over a network.</summary>
    [Field] public partial Ptr<BlockDeviceStruct> SBdev { get; }

    [Field("s_uuid.b")] private partial KernelArray<byte> SUuid { get; }

    [Embedded] private partial ListHead SInodes { get; }

    /// <summary>The UUID that it bears; all zeroes where it bears none.</summary>
    public Guid Uuid
    {
        get
        {
            Span<byte> bytes = stackalloc byte[16];
            SUuid.CopyTo(bytes);
            return new Guid(bytes, bigEndian: true);
        }
    }

    /// <summary>Its files that are in memory.</summary>
    public ListEntries<InodeStruct> Inodes => SInodes.Entries<InodeStruct>(static inode => inode.ISbList);

    /// <summary>Every mount of it, in whichever namespace.</summary>
    public SuperBlockMounts Mounts => new(this);

    [Embedded("s_mounts", Optional = true)] internal partial ListHead? MountList { get; }

    /// <summary>The first of a chain by mnt_next_for_sb (in v7.2).</summary>
    [Field("s_mounts", Optional = true)] internal partial Ptr<MountStruct>? FirstMount { get; }
}

/// <summary>A walk over the mounts of a file system, whichever way the kernel links them.</summary>
public struct SuperBlockMounts
{
    private readonly SuperBlock _super;
    private readonly bool _isList;
    private ListEntries<MountStruct> _list;
    private Ptr<MountStruct> _next;
    private MountStruct _current;
    private int _left;

    internal SuperBlockMounts(SuperBlock super)
    {
        _super = super;
        _left = super.Kernel.Limits.Entries;
        if (super.MountList is { } list)
        {
            _isList = true;
            _list = list.Entries<MountStruct>(static mount => mount.MntInstance ?? throw Without("mnt_instance"));
        }
        else
        {
            _next = super.FirstMount ?? throw new KernelTypeException("This kernel's super_block has no s_mounts of a known kind: mounts of a file system cannot be found.");
        }
    }

    public readonly MountStruct Current => _isList ? _list.Current : _current;

    public readonly SuperBlockMounts GetEnumerator() => this;

    public bool MoveNext()
    {
        if (_isList) return _list.MoveNext();
        if (!_next.TryGet(out _current)) return false;
        _super.Kernel.TakeSteps(1);
        if (--_left < 0) throw _super.Kernel.Astray(_super.Address, "mount.mnt_next_for_sb", $"the chain does not end within {_super.Kernel.Limits.Entries} entries");
        _next = _current.MntNextForSb ?? throw Without("mnt_next_for_sb");
        return true;
    }

    private static KernelTypeException Without(string member) => new($"This kernel's mount has no {member}: mounts of a file system cannot be found.");
}

/// <summary>include/linux/fs.h.</summary>
[KernelStruct("file_system_type")]
public readonly partial record struct FileSystemType
{
    /// <summary>"ext4", "tmpfs", "pipefs".</summary>
    [Field] public partial KernelCharPointer Name { get; }
}

/// <summary>A file's pages in memory (struct address_space, include/linux/fs.h).</summary>
[KernelStruct("address_space")]
public readonly partial record struct AddressSpaceStruct
{
    [Embedded] public partial Xarray IPages { get; }

    /// <summary>Its pages by their place in the file.</summary>
    public FilePages Pages => new(this);

    [Field("nrpages")] public partial ulong PageCount { get; }
}
