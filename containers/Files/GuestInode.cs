using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using FileType = Watari.Disk.FileSystems.FileType;

namespace Watari.Containers.Files;

/// <summary>What files of a running guest's memory have in common.</summary>
internal static class GuestInode
{
    /// <summary>A look at the running guest, with a disk's kind of error.</summary>
    /// <exception cref="GuestFileException"/>
    /// <exception cref="DiskImageException">All of its memory is gone.</exception>
    internal static T Look<T>(GuestKernel kernel, Func<GuestKernel, T> look)
    {
        try
        {
            return LiveView.Look(kernel, look);
        }
        catch (IntrospectionException e)
        {
            throw e is GuestRamLostException ? new DiskImageException(e.Message, e) : new GuestFileException(e.Message, e);
        }
    }

    internal static FileStatus StatusOf(InodeStruct inode) => new()
    {
        Ino = inode.IIno,
        Mode = inode.IMode,
        Nlink = inode.INlink,
        Uid = inode.IUid,
        Gid = inode.IGid,
        Rdev = new DeviceNumber(inode.IRdev >> MinorBits, inode.IRdev & ((1u << MinorBits) - 1)),
        Size = inode.ISize,
        Atime = new FileTime(inode.AtimeSeconds, inode.AtimeNanoseconds),
        Mtime = new FileTime(inode.MtimeSeconds, inode.MtimeNanoseconds),
    };

    /// <summary>The next pages of a file that are in memory, from an offset on; those that follow one another together. Null where there are none.</summary>
    internal static FileRange? NextPages(InodeStruct inode, long offset)
    {
        FileRange? found = null;
        long size = inode.ISize;
        foreach (FilePageRun run in inode.IMapping.Value.Pages)
        {
            long start = (long)run.Index * PageSize, end = start + run.Count.Bytes;
            if (end <= offset) continue;
            if (start >= size || start < 0 || end < start) break;
            if (found is null) found = new FileRange(Math.Max(start, offset), Math.Min(end, size) - Math.Max(start, offset));
            else if (start == found.Value.End) found = found.Value with { Length = Math.Min(end, size) - found.Value.Offset };
            else break;
        }

        return found;
    }

    internal static bool IsRegular(InodeStruct inode) => (FileType)(inode.IMode & TypeMask) == FileType.Regular;

    private const int MinorBits = 20, TypeMask = 0xf000, PageSize = 4096;
}
