namespace Watari.Introspection.Fs;

/// <summary>What a tmpfs was mounted with (include/linux/shmem_fs.h), at its super_block.s_fs_info.</summary>
[KernelStruct("shmem_sb_info")]
public readonly partial record struct ShmemSbInfo
{
    /// <summary>Its size in pages.</summary>
    [Field] public partial ulong MaxBlocks { get; }

    /// <summary>Of its root directory.</summary>
    [Field] public partial ushort Mode { get; }

    [Field("uid.val")] public partial uint Uid { get; }

    [Field("gid.val")] public partial uint Gid { get; }

    /// <summary>inode64.</summary>
    [Field(Optional = true)] public partial bool? FullInums { get; }
}

/// <summary>What a devpts was mounted with (fs/devpts/inode.c), at its super_block.s_fs_info.</summary>
[KernelStruct("pts_fs_info")]
public readonly partial record struct PtsFsInfo
{
    /// <summary>gid= was given.</summary>
    [Field("mount_opts.setgid")] public partial int SetGid { get; }

    [Field("mount_opts.gid.val")] public partial uint Gid { get; }

    [Field("mount_opts.mode")] public partial ushort Mode { get; }

    [Field("mount_opts.ptmxmode")] public partial ushort PtmxMode { get; }
}
