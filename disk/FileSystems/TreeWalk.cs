namespace Watari.Disk.FileSystems;

/// <summary>A file that a walk of a tree has come to.</summary>
/// <param name="Path">From the walk's root on, without a slash at the beginning; empty for the root itself.</param>
/// <param name="Inode">The file.</param>
public readonly record struct TreeFile(ReadOnlyMemory<byte> Path, IInode Inode);

/// <summary>All files under a directory.</summary>
public static class TreeWalk
{
    extension(IInode root)
    {
        /// <summary>This directory and all that is under it, each directory before what is in it, names of one directory by their bytes. No link is followed.</summary>
        /// <exception cref="DiskStructureException">Two names lead to one directory: the tree is none, and might have no end.</exception>
        /// <exception cref="DiskLimitException"/>
        /// <exception cref="DiskException"/>
        public IEnumerable<TreeFile> Tree(DiskLimits? limits = null) => Walk(root, limits ?? DiskLimits.Default);
    }

    private static IEnumerable<TreeFile> Walk(IInode root, DiskLimits limits)
    {
        yield return new TreeFile(default, root);
        if (!root.Status.IsDirectory) yield break;
        HashSet<ulong> directories = [root.Status.Ino];
        var open = new Stack<(byte[] Path, IInode Directory, IEnumerator<DirectoryEntry> Entries)>();
        open.Push(([], root, Sorted(root)));
        long count = 0;
        while (open.TryPeek(out var current))
        {
            if (!current.Entries.MoveNext())
            {
                open.Pop();
                continue;
            }

            if (++count > limits.TreeEntries) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeEntries), limits.TreeEntries);
            DirectoryEntry entry = current.Entries.Current;
            IInode inode = current.Directory.Open(entry);
            byte[] path = current.Path.Length == 0 ? entry.Name.Bytes.ToArray() : [.. current.Path, (byte)'/', .. entry.Name.Bytes];
            yield return new TreeFile(path, inode);
            if (!inode.Status.IsDirectory) continue;
            if (!directories.Add(inode.Status.Ino)) throw new DiskStructureException($"inode {inode.Status.Ino}", "a directory that two names lead to");
            if (open.Count == limits.TreeDepth) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeDepth), limits.TreeDepth);
            open.Push((path, inode, Sorted(inode)));
        }
    }

    private static IEnumerator<DirectoryEntry> Sorted(IInode directory) => directory.Entries.OrderBy(entry => entry.Name).GetEnumerator();
}
