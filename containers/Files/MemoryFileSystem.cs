using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using FileType = Watari.Disk.FileSystems.FileType;

namespace Watari.Containers.Files;

/// <summary>A file system of a running guest that lives in its memory alone: tmpfs, all of whose names and pages the kernel holds.</summary>
/// <param name="root">Its first directory.</param>
public sealed class MemoryFileSystem(DentryStruct root) : IFileSystem
{
    public IInode Root => new MemoryInode(root.Kernel, root.Address);
}

/// <summary>A file of a <see cref="MemoryFileSystem"/>, by its name's place. Each question is a look of its own.</summary>
internal sealed class MemoryInode(GuestKernel kernel, GuestVirtualAddress dentry) : IInode
{
    public FileStatus Status => Look(GuestInode.StatusOf);

    public IEnumerable<DirectoryEntry> Entries => GuestInode.Look(kernel, look =>
    {
        List<DirectoryEntry> entries = [];
        foreach (DentryStruct child in look.At<DentryStruct>(dentry).Children)
        {
            if (!child.DInode.TryGet(out InodeStruct inode) || child.IsUnlinked) continue;
            byte[] name = child.Name;
            if (FileName.IsValid(name)) entries.Add(new DirectoryEntry(new FileName(name), inode.IIno, (FileType)inode.Type));
        }

        return entries;
    });

    public IInode Open(in DirectoryEntry entry) => TryLookup(entry.Name.Bytes, out IInode inode) ? inode : throw new GuestFileException($"{entry.Name} is gone.");

    public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
    {
        byte[] wanted = name.ToArray();
        GuestVirtualAddress found = GuestInode.Look(kernel, look =>
        {
            foreach (DentryStruct child in look.At<DentryStruct>(dentry).Children)
            {
                if (!child.DInode.IsNull && !child.IsUnlinked && child.Name.AsSpan().SequenceEqual(wanted)) return child.Address;
            }

            return default;
        });
        inode = new MemoryInode(kernel, found);
        return !found.IsNull;
    }

    public int Read(long offset, Span<byte> destination)
    {
        byte[] bytes = new byte[destination.Length];
        int read = Look(inode =>
        {
            List<FileGap> gaps = [];
            int count = inode.Read((ulong)offset, bytes, gaps);
            return gaps.Count == 0 ? count : throw new GuestFileException($"{gaps[0].Length} bytes of it from {gaps[0].Offset} on are not in the guest's memory: {gaps[0].Reason}.");
        });
        bytes.AsSpan(0, read).CopyTo(destination);
        return read;
    }

    public bool TryFindData(long offset, out FileRange data)
    {
        FileRange? found = Look(inode => GuestInode.NextPages(inode, offset));
        data = found ?? default;
        return found is not null;
    }

    public ReadOnlyMemory<byte> ReadLink() => Look(inode => inode.ILink.Address.IsNull ? inode.ReadAll(PathLookup.MaxPathLength) : Encoding.UTF8.GetBytes(inode.ILink.ToString()));

    public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => throw new DiskUnsupportedException("a file in guest memory", "extended attributes");

    private T Look<T>(Func<InodeStruct, T> look) => GuestInode.Look(kernel, kernel => look(kernel.At<DentryStruct>(dentry).DInode.Value));
}
