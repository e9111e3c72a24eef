using Watari.Disk.FileSystems;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using FileType = Watari.Disk.FileSystems.FileType;

namespace Watari.Containers.Files;

/// <summary>
/// A disk's file system as the guest that has it mounted sees it: the contents of files that the guest has written and not yet put on the disk
/// are taken from its memory. Names and all else are the disk's; it is read through a <see cref="MountedVolume"/>, so they are the guest's too.
/// </summary>
public sealed class MountedFileSystem : IFileSystem
{
    private readonly IFileSystem _disk;
    private readonly SuperBlock _superBlock;
    private readonly Lazy<Dictionary<ulong, GuestVirtualAddress>> _inMemory;

    /// <param name="disk">The file system, read through a <see cref="MountedVolume"/>.</param>
    /// <param name="superBlock">The same in the guest's kernel.</param>
    public MountedFileSystem(IFileSystem disk, SuperBlock superBlock)
    {
        _disk = disk;
        _superBlock = superBlock;
        _inMemory = new Lazy<Dictionary<ulong, GuestVirtualAddress>>(FindInMemory);
    }

    public IInode Root => new MountedInode(this, _disk.Root);

    private GuestKernel Kernel => _superBlock.Kernel;

    /// <summary>Looks at a file in the guest's memory, where it is there; it was when this was first asked.</summary>
    internal T? Look<T>(ulong ino, Func<InodeStruct, T?> look) where T : struct => !_inMemory.Value.TryGetValue(ino, out GuestVirtualAddress address) ? null
        : GuestInode.Look(Kernel, kernel =>
        {
            InodeStruct inode = kernel.At<InodeStruct>(address);
            // It may have made room for another since.
            return inode.IIno == ino && inode.ISb.Address == _superBlock.Address && GuestInode.IsRegular(inode) ? look(inode) : null;
        });

    private Dictionary<ulong, GuestVirtualAddress> FindInMemory() => GuestInode.Look(Kernel, look =>
    {
        Dictionary<ulong, GuestVirtualAddress> found = [];
        foreach (InodeStruct inode in look.At<SuperBlock>(_superBlock.Address).Inodes)
        {
            if (GuestInode.IsRegular(inode)) found[inode.IIno] = inode.Address;
        }

        return found;
    });
}

/// <summary>A file of a <see cref="MountedFileSystem"/>.</summary>
internal sealed class MountedInode(MountedFileSystem files, IInode disk) : IInode
{
    public FileStatus Status
    {
        get
        {
            FileStatus status = disk.Status;
            // What was appended and is not yet on the disk is not in the size there.
            return status.Type == FileType.Regular && files.Look(status.Ino, inode => (long?)inode.ISize) is { } size ? status with { Size = size } : status;
        }
    }

    public IEnumerable<DirectoryEntry> Entries => disk.Entries;

    public IInode Open(in DirectoryEntry entry) => new MountedInode(files, disk.Open(entry));

    public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
    {
        bool found = disk.TryLookup(name, out inode);
        if (found) inode = new MountedInode(files, inode);
        return found;
    }

    public int Read(long offset, Span<byte> destination)
    {
        byte[] bytes = new byte[destination.Length];
        List<FileGap> gaps = [];
        int? read = files.Look(disk.Status.Ino, inode =>
        {
            gaps.Clear();
            return (int?)inode.Read((ulong)offset, bytes, gaps);
        });
        if (read is not { } count) return disk.Read(offset, destination);
        foreach (FileGap gap in gaps) ReadFromDisk((long)gap.Offset, bytes.AsSpan((int)((long)gap.Offset - offset), (int)gap.Length));
        bytes.AsSpan(0, count).CopyTo(destination);
        return count;
    }

    public bool TryFindData(long offset, out FileRange data)
    {
        bool isOnDisk = disk.TryFindData(offset, out data);
        FileRange? inMemory = files.Look(disk.Status.Ino, inode => GuestInode.NextPages(inode, offset));
        if (inMemory is { } pages && (!isOnDisk || pages.Offset < data.Offset)) data = pages;
        return isOnDisk || inMemory is not null;
    }

    public ReadOnlyMemory<byte> ReadLink() => disk.ReadLink();

    public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => disk.ReadExtendedAttributes();

    /// <summary>What lies behind the file's end on the disk stays zero: it was made longer, and not written there.</summary>
    private void ReadFromDisk(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty && disk.Read(offset, destination) is > 0 and int count)
        {
            destination = destination[count..];
            offset += count;
        }
    }
}
