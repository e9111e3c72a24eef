using Watari.Disk.FileSystems;

namespace Watari.Containers.Files;

/// <summary>A file system among others, whose files say that they are of this one.</summary>
/// <param name="number">Its <see cref="FileStatus.Dev"/>.</param>
internal sealed class NumberedFileSystem(IFileSystem files, ulong number) : IFileSystem
{
    public IInode Root => new Inode(files.Root, number);

    private sealed class Inode(IInode inode, ulong number) : IInode
    {
        public FileStatus Status => inode.Status with { Dev = number };

        public IEnumerable<DirectoryEntry> Entries => inode.Entries;

        public IInode Open(in DirectoryEntry entry) => new Inode(inode.Open(entry), number);

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode found)
        {
            bool any = inode.TryLookup(name, out found);
            if (any) found = new Inode(found, number);
            return any;
        }

        public int Read(long offset, Span<byte> destination) => inode.Read(offset, destination);

        public bool TryFindData(long offset, out FileRange data) => inode.TryFindData(offset, out data);

        public ReadOnlyMemory<byte> ReadLink() => inode.ReadLink();

        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => inode.ReadExtendedAttributes();
    }
}
