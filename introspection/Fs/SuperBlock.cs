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

    /// <summary>Every mount of it, in whichever namespace.</summary>
    [Embedded] private partial ListHead SMounts { get; }

    public ListEntries<MountStruct> Mounts => SMounts.Entries<MountStruct>(static mount => mount.MntInstance);
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
    [Field] public partial Ptr<InodeStruct> Host { get; }

    [Embedded] public partial Xarray IPages { get; }

    /// <summary>Its pages by their place in the file.</summary>
    public FilePages Pages => new(this);

    [Field("nrpages")] public partial ulong PageCount { get; }
}
