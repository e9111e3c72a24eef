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
        public IEnumerable<TreeFile> Tree(DiskLimits? limits = null) => WalkAll(root, limits ?? DiskLimits.Default);

        /// <summary>The same from behind a file of it on, which need not be there any more: a walk that was interrupted goes on so.</summary>
        /// <param name="after">A path as in <see cref="TreeFile.Path"/>; empty for the root.</param>
        public IEnumerable<TreeFile> TreeAfter(ReadOnlyMemory<byte> after, DiskLimits? limits = null)
        {
            limits ??= DiskLimits.Default;
            return root.Status.IsDirectory ? Walk(WayTo(root, after.Span, limits), limits) : [];
        }
    }

    private static IEnumerable<TreeFile> WalkAll(IInode root, DiskLimits limits)
    {
        yield return new TreeFile(default, root);
        foreach (TreeFile file in root.TreeAfter(default, limits)) yield return file;
    }

    /// <summary>The directories that lead to a path, each with what is behind it there.</summary>
    private static Stack<OpenDirectory> WayTo(IInode root, ReadOnlySpan<byte> path, DiskLimits limits)
    {
        var way = new Stack<OpenDirectory>();
        IInode at = root;
        byte[] walked = [];
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> part = path[range];
            if (!FileName.IsValid(part)) break;
            var name = new FileName(part.ToArray());
            if (way.Count == limits.TreeDepth) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeDepth), limits.TreeDepth);
            way.Push(new OpenDirectory(walked, at, Sorted(at, name)));
            if (!at.TryLookup(part, out IInode next) || !next.Status.IsDirectory) return way;
            walked = Join(walked, part);
            at = next;
        }

        way.Push(new OpenDirectory(walked, at, Sorted(at)));
        return way;
    }

    private static IEnumerable<TreeFile> Walk(Stack<OpenDirectory> open, DiskLimits limits)
    {
        HashSet<(ulong, ulong)> directories = [.. open.Select(directory => KeyOf(directory.Directory))];
        long count = 0;
        while (open.TryPeek(out OpenDirectory current))
        {
            if (!current.Entries.MoveNext())
            {
                open.Pop();
                continue;
            }

            if (++count > limits.TreeEntries) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeEntries), limits.TreeEntries);
            DirectoryEntry entry = current.Entries.Current;
            IInode inode = current.Directory.Open(entry);
            byte[] path = Join(current.Path, entry.Name.Bytes);
            yield return new TreeFile(path, inode);
            if (!inode.Status.IsDirectory) continue;
            if (!directories.Add(KeyOf(inode))) throw new DiskStructureException($"inode {inode.Status.Ino}", "a directory that two names lead to");
            if (open.Count == limits.TreeDepth) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeDepth), limits.TreeDepth);
            open.Push(new OpenDirectory(path, inode, Sorted(inode)));
        }
    }

    private static (ulong, ulong) KeyOf(IInode inode)
    {
        FileStatus status = inode.Status;
        return (status.Dev, status.Ino);
    }

    private static byte[] Join(byte[] directory, ReadOnlySpan<byte> name) => directory.Length == 0 ? name.ToArray() : [.. directory, (byte)'/', .. name];

    private static IEnumerator<DirectoryEntry> Sorted(IInode directory) => directory.Entries.OrderBy(entry => entry.Name).GetEnumerator();

    private static IEnumerator<DirectoryEntry> Sorted(IInode directory, FileName after) =>
        directory.Entries.Where(entry => entry.Name > after).OrderBy(entry => entry.Name).GetEnumerator();

    private readonly record struct OpenDirectory(byte[] Path, IInode Directory, IEnumerator<DirectoryEntry> Entries);
}
