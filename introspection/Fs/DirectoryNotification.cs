namespace Watari.Introspection.Fs;

/// <summary>Signals on changes in a directory, asked for by fcntl(2) F_NOTIFY (fs/notify/dnotify/dnotify.c).</summary>
public static class DirectoryNotification
{
    /// <summary>Whether one was asked for through this file.</summary>
    public static bool IsAskedFor(FileStruct file)
    {
        if (file.FInode.IsNull || !file.FInode.Value.Marks.TryGet(out FsnotifyMarkConnector connector)) return false;
        if (!file.Kernel.Symbols.TryFind("dnotify_group"u8, out GuestVirtualAddress variable)) return false;
        var group = new GuestVirtualAddress(file.Kernel.AddressSpace.Read<ulong>(variable));
        foreach (FsnotifyMark mark in connector.Marks)
        {
            // An inode has one mark of a group.
            if (mark.Group == group) return IsAskedFor(DnotifyMark.At(file.Kernel, mark.Address), file);
        }

        return false;
    }

    private static bool IsAskedFor(DnotifyMark mark, FileStruct file)
    {
        int left = file.Kernel.Limits.Entries;
        for (Ptr<DnotifyStruct> next = mark.Dn; next.TryGet(out DnotifyStruct asked); next = asked.DnNext)
        {
            if (asked.DnFilp == file.Address) return true;
            file.Kernel.TakeSteps(1);
            if (--left < 0) throw file.Kernel.Astray(mark.Address, "dnotify_struct.dn_next", $"the list does not end within {file.Kernel.Limits.Entries} entries");
        }

        return false;
    }
}

/// <summary>Begins with its fsnotify_mark.</summary>
[KernelStruct("dnotify_mark")]
internal readonly partial record struct DnotifyMark
{
    [Field] public partial Ptr<DnotifyStruct> Dn { get; }
}

/// <summary>include/linux/dnotify.h.</summary>
[KernelStruct("dnotify_struct")]
internal readonly partial record struct DnotifyStruct
{
    [Field] public partial Ptr<DnotifyStruct> DnNext { get; }

    /// <summary>struct file *.</summary>
    [Field] public partial GuestVirtualAddress DnFilp { get; }
}
