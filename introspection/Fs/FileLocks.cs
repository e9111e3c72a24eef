using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>The locks on an inode (include/linux/filelock.h; include/linux/fs.h before v6.3).</summary>
[KernelStruct("file_lock_context")]
public readonly partial record struct FileLockContext
{
    /// <summary>flock(2).</summary>
    [Embedded] public partial ListHead FlcFlock { get; }

    /// <summary>fcntl(2) F_SETLK, and F_OFD_SETLK.</summary>
    [Embedded] public partial ListHead FlcPosix { get; }

    /// <summary>fcntl(2) F_SETLEASE.</summary>
    [Embedded] public partial ListHead FlcLease { get; }
}

/// <summary>One lock (include/linux/filelock.h). Its core is a structure of its own since v6.9.</summary>
[KernelStruct("file_lock_core", "file_lock")]
public readonly partial record struct FileLock
{
    [Embedded("flc_list", "fl_list")] public partial ListHead List { get; }

    /// <summary>The files_struct of a POSIX lock, the struct file of the others.</summary>
    [Field("flc_owner", "fl_owner")] public partial GuestVirtualAddress Owner { get; }

    /// <summary>The file that it was made through.</summary>
    [Field("flc_file", "fl_file")] public partial Ptr<FileStruct> File { get; }

    /// <summary>FL_*.</summary>
    [Field("flc_flags", "fl_flags")] public partial uint Flags { get; }
}
