namespace Watari.Introspection.Fs;

/// <summary>Signals on changes in a directory, asked for by fcntl(2) F_NOTIFY (fs/notify/dnotify/dnotify.c).</summary>
public static class DirectoryNotification
{
    private const int MostAsked = 4096; // one for each process that watches the directory; looked at again for each of its descriptors

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
        int left = MostAsked;
        for (Ptr<DnotifyStruct> next = mark.Dn; next.TryGet(out DnotifyStruct asked); next = asked.DnNext)
        {
            if (asked.DnFilp == file.Address) return true;
            if (--left < 0) throw new KernelWalkException("dnotify_struct.dn_next", $"the list does not end within {MostAsked} entries");
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
