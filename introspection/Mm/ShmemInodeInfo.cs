using Watari.Introspection.Fs;

namespace Watari.Introspection.Mm;

/// <summary>What tmpfs keeps of an inode (include/linux/shmem_fs.h): a file of tmpfs, a memfd, shared anonymous memory.</summary>
[KernelStruct("shmem_inode_info")]
public readonly partial record struct ShmemInodeInfo
{
    /// <summary>F_SEAL_*.</summary>
    [Field] public partial uint Seals { get; }

    /// <summary>Pages that are swapped out.</summary>
    [Field] public partial ulong Swapped { get; }

    [Embedded] public partial InodeStruct VfsInode { get; }

    /// <summary>That of an inode of tmpfs: SHMEM_I.</summary>
    public static ShmemInodeInfo Of(InodeStruct inode) =>
        At(inode.Kernel, inode.Address - At(inode.Kernel, default).VfsInode.Address.Value);
}
