using System.Diagnostics.CodeAnalysis;

namespace Watari.Disk.FileSystems;

/// <summary>A file that a walk of a tree has come to.</summary>
/// <param name="Path">From the walk's root on, without a slash at the beginning; empty for the root itself.</param>
/// <param name="Inode">The file.</param>
public readonly record struct TreeFile(ReadOnlyMemory<byte> Path, IInode Inode);

/// <summary>Decides about what a walk cannot read.</summary>
/// <param name="path">Which directory or file, as in <see cref="TreeFile.Path"/>.</param>
/// <returns>True: the walk goes on behind it. False: it ends with the exception.</returns>
public delegate bool PassOver(ReadOnlyMemory<byte> path, DiskException why);

/// <summary>All files under a directory.</summary>
public static class TreeWalk
{
    extension(IInode root)
    {
        /// <summary>This directory and all that is under it, each directory before what is in it, names of one directory by their bytes. No link is followed.</summary>
        /// <param name="passOver">Null: the walk ends at the first that it cannot read.</param>
        /// <exception cref="DiskStructureException">Two names lead to one directory: the tree is none, and might have no end.</exception>
        /// <exception cref="DiskLimitException"/>
        /// <exception cref="DiskException"/>
        public IEnumerable<TreeFile> Tree(DiskLimits? limits = null, PassOver? passOver = null) => WalkAll(root, limits ?? DiskLimits.Default, passOver);

        /// <summary>The same from behind a file of it on, which need not be there any more: a walk that was interrupted goes on so.</summary>
        /// <param name="after">A path as in <see cref="TreeFile.Path"/>; empty for the root.</param>
        public IEnumerable<TreeFile> TreeAfter(ReadOnlyMemory<byte> after, DiskLimits? limits = null, PassOver? passOver = null) =>
            root.Status.IsDirectory ? new Walk(limits ?? DiskLimits.Default, passOver).Behind(root, after) : [];
    }

    private static IEnumerable<TreeFile> WalkAll(IInode root, DiskLimits limits, PassOver? passOver)
    {
        yield return new TreeFile(default, root);
        foreach (TreeFile file in root.TreeAfter(default, limits, passOver)) yield return file;
    }

    private static (ulong, ulong) KeyOf(IInode inode)
    {
        FileStatus status = inode.Status;
        return (status.Dev, status.Ino);
    }

    private static byte[] Join(byte[] directory, ReadOnlySpan<byte> name) => directory.Length == 0 ? name.ToArray() : [.. directory, (byte)'/', .. name];

    private sealed class Walk(DiskLimits limits, PassOver? passOver)
    {
        private readonly Stack<OpenDirectory> _open = [];
        private readonly HashSet<(ulong, ulong)> _directories = [];
        private long _names; // that were held, all together

        public IEnumerable<TreeFile> Behind(IInode root, ReadOnlyMemory<byte> after)
        {
            OpenWay(root, after.Span);
            while (_open.TryPeek(out OpenDirectory current))
            {
                if (!current.Entries.MoveNext())
                {
                    _open.Pop();
                    continue;
                }

                byte[] path = Join(current.Path, current.Entries.Current.Name.Bytes);
                if (!TryOpen(current, path, out IInode? inode, out bool isDirectory)) continue;
                yield return new TreeFile(path, inode);
                if (isDirectory) Enter(path, inode, after: null);
            }
        }

        /// <summary>Opens the directories that lead to a path, each with what is behind it there.</summary>
        private void OpenWay(IInode root, ReadOnlySpan<byte> path)
        {
            IInode at = root;
            byte[] walked = [];
            foreach (Range range in path.Split((byte)'/'))
            {
                ReadOnlySpan<byte> part = path[range];
                if (!FileName.IsValid(part)) break;
                if (!Enter(walked, at, new FileName(part.ToArray()))) return;
                walked = Join(walked, part);
                if (Next(at, walked, part) is not { } next) return;
                at = next;
            }

            Enter(walked, at, after: null);
        }

        /// <summary>Null where no directory is there any more.</summary>
        private IInode? Next(IInode directory, byte[] path, ReadOnlySpan<byte> name)
        {
            try
            {
                return directory.TryLookup(name, out IInode next) && next.Status.IsDirectory ? next : null;
            }
            catch (DiskException e) when (IsPassedOver(path, e))
            {
                return null;
            }
        }

        private bool TryOpen(OpenDirectory directory, byte[] path, [NotNullWhen(true)] out IInode? inode, out bool isDirectory)
        {
            try
            {
                inode = directory.Directory.Open(directory.Entries.Current);
                isDirectory = inode.Status.IsDirectory;
                return true;
            }
            catch (DiskException e) when (IsPassedOver(path, e))
            {
                (inode, isDirectory) = (null, false);
                return false;
            }
        }

        /// <summary>Goes on in a directory.</summary>
        /// <returns>False: it was passed over.</returns>
        private bool Enter(byte[] path, IInode directory, FileName? after)
        {
            try
            {
                if (!_directories.Add(KeyOf(directory))) throw new DiskStructureException($"inode {directory.Status.Ino}", "a directory that two names lead to");
                if (_open.Count == limits.TreeDepth) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeDepth), limits.TreeDepth);
            }
            catch (DiskException e) when (IsPassedOver(path, e))
            {
                return false;
            }

            _open.Push(new OpenDirectory(path, directory, Sorted(path, directory, after).GetEnumerator()));
            return true;
        }

        /// <summary>Of a directory that cannot be read to its end: what could be.</summary>
        private List<DirectoryEntry> Sorted(byte[] path, IInode directory, FileName? after)
        {
            List<DirectoryEntry> entries = [];
            try
            {
                foreach (DirectoryEntry entry in directory.Entries)
                {
                    if (after is { } last && entry.Name <= last) continue;
                    // They are held until the walk leaves the directory: a guest can make many of them, on each level.
                    if (++_names > limits.TreeEntries) throw new DiskLimitException("tree of files", nameof(DiskLimits.TreeEntries), limits.TreeEntries);
                    entries.Add(entry);
                }
            }
            catch (DiskException e) when (IsPassedOver(path, e))
            {
                // What was read before is there.
            }

            entries.Sort(static (one, other) => one.Name.CompareTo(other.Name));
            return entries;
        }

        private bool IsPassedOver(byte[] path, DiskException why) => passOver is not null && passOver(path, why);
    }

    private readonly record struct OpenDirectory(byte[] Path, IInode Directory, IEnumerator<DirectoryEntry> Entries);
}
