namespace Watari.Introspection.Fs;

/// <summary>An open file description (struct file, include/linux/fs.h): what descriptors and mappings refer to.</summary>
[KernelStruct("file")]
public readonly partial record struct FileStruct
{
    /// <summary>FMODE_* (include/linux/fs.h).</summary>
    [Field] public partial uint FMode { get; }

    /// <summary>struct file_operations *: its symbol tells what kind of file this is.</summary>
    [Field] public partial GuestVirtualAddress FOp { get; }

    /// <summary>What the kind of file keeps of its own: a struct socket, pipe_inode_info, eventfd_ctx, ….</summary>
    [Field] public partial GuestVirtualAddress PrivateData { get; }

    [Field] public partial Ptr<InodeStruct> FInode { get; }

    /// <summary>O_* (include/uapi/asm-generic/fcntl.h); O_CLOEXEC is the descriptor's, not the file's.</summary>
    [Field] public partial uint FFlags { get; }

    /// <summary>Where it was opened; of a file below an overlay, in the layer that has it: see <see cref="UserPath"/>.</summary>
    [Embedded] public partial PathStruct FPath { get; }

    /// <summary>
    /// The path that a process knows it by, as /proc/PID/maps shows it: a mapping of a file on an overlay refers to the layer's file,
    /// which keeps it beside its own (def3ae83da02, v6.7; before, f_path was that path).
    /// </summary>
    public PathStruct UserPath => IsBacking && BackingFile.At(Kernel, Address).UserPath is { } path ? path : FPath;

    // Whether FMODE_BACKING is set: bit 25, and bit 24 since v6.14 and in late releases of v6.12. What stands for the other in each
    // kernel (FMODE_NONOTIFY) has no meaning for a file on a mount that is in no namespace, as a layer of an overlay is, but for those
    // of the kernel's own file systems: pipes, sockets, namespaces.
    private bool IsBacking => (FMode & (1 << 24 | 1 << 25)) != 0 && FPath.Mnt.TryGet(out VfsMount mount) && mount.Mount.MntNs == Internal
        && mount.MntSb.TryGet(out SuperBlock super) && !super.IsKernels;

    private static readonly GuestVirtualAddress Internal = new(unchecked((ulong)-22L)); // MNT_NS_INTERNAL (fs/mount.h)

    [Field] public partial long FPos { get; }

    /// <summary>The name of its operations ("ext4_file_operations", "eventpoll_fops"); null for those of a module.</summary>
    public string? OperationsName => Kernel.Symbols.TryGetName(FOp, out string? name) ? name : null;

    /// <summary>F_SETOWN and F_SETSIG; null where none was ever set.</summary>
    public FownStruct? Owner
    {
        get
        {
            if (OwnerInPlace is { } owner) return owner;
            return OwnerElsewhere is { } pointer && pointer.TryGet(out owner) ? owner : null;
        }
    }

    [Embedded("f_owner", Optional = true)] private partial FownStruct? OwnerInPlace { get; }

    /// <summary>A pointer since 1934b212615d, v6.12. Only asked for where it is not the structure itself.</summary>
    [Field("f_owner", Optional = true)] private partial Ptr<FownStruct>? OwnerElsewhere { get; }
}

/// <summary>A file that stands in for one of a stacked file system (fs/file_table.c); begins with its struct file.</summary>
[KernelStruct("backing_file")]
internal readonly partial record struct BackingFile
{
    [Embedded(Optional = true)] public partial PathStruct? UserPath { get; }
}

/// <summary>Who gets a file's signals (include/linux/fs.h).</summary>
[KernelStruct("fown_struct")]
public readonly partial record struct FownStruct
{
    /// <summary>struct pid *; null where no owner is set.</summary>
    [Field] public partial GuestVirtualAddress Pid { get; }

    /// <summary>enum pid_type.</summary>
    [Field] public partial uint PidType { get; }

    [Field("uid.val")] public partial uint Uid { get; }

    [Field("euid.val")] public partial uint Euid { get; }

    /// <summary>F_SETSIG; 0 for SIGIO.</summary>
    [Field] public partial int Signum { get; }
}
