using Watari.Disk.FileSystems;

namespace Watari.Containers.Files;

/// <summary>File systems that are mounted in one another.</summary>
/// <param name="root">The one that all others are in.</param>
public sealed class MountTree(IFileSystem root) : IFileSystem
{
    private readonly MountPoint _root = new(root);

    public IInode Root => new MountPointInode(root.Root, _root);

    /// <summary>Mounts a file system over what is at a path.</summary>
    /// <param name="path">From the root on, its names parted by slashes. A directory of that path must be there, or nothing leads to it; nor where one of the names is none.</param>
    internal void Mount(ReadOnlySpan<byte> path, IFileSystem files)
    {
        foreach (Range name in path.Split((byte)'/'))
        {
            if (!path[name].IsEmpty && !FileName.IsValid(path[name])) return;
        }

        MountPoint at = _root;
        foreach (Range name in path.Split((byte)'/'))
        {
            if (path[name].IsEmpty) continue;
            var child = new FileName(path[name].ToArray());
            if (!at.Children.TryGetValue(child, out MountPoint? next)) at.Children[child] = next = new MountPoint(null);
            at = next;
        }

        at.Files = files;
    }

    /// <summary>A directory on which something is mounted, or below which something is.</summary>
    private sealed class MountPoint(IFileSystem? files)
    {
        public IFileSystem? Files { get; set; } = files;

        public Dictionary<FileName, MountPoint> Children { get; } = [];
    }

    private sealed class MountPointInode(IInode inode, MountPoint point) : IInode
    {
        public FileStatus Status => inode.Status;

        public IEnumerable<DirectoryEntry> Entries => inode.Entries;

        public IInode Open(in DirectoryEntry entry) => TryMounted(entry.Name.Bytes, out IInode? mounted) ? mounted! : inode.Open(entry);

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode found) => TryMounted(name, out found!) || inode.TryLookup(name, out found);

        public int Read(long offset, Span<byte> destination) => inode.Read(offset, destination);

        public bool TryFindData(long offset, out FileRange data) => inode.TryFindData(offset, out data);

        public ReadOnlyMemory<byte> ReadLink() => inode.ReadLink();

        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => inode.ReadExtendedAttributes();

        private bool TryMounted(ReadOnlySpan<byte> name, out IInode? found)
        {
            found = null;
            if (!FileName.IsValid(name) || !point.Children.TryGetValue(new FileName(name.ToArray()), out MountPoint? child)) return false;
            if (child.Files is { } mounted) found = mounted.Root;
            else if (!inode.TryLookup(name, out found)) return false;
            if (child.Children.Count > 0) found = new MountPointInode(found, child);
            return true;
        }
    }
}
