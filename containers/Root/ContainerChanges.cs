using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Root;

/// <summary>What has become of a file of a container's image, in docker diff's letters.</summary>
public enum ChangeKind
{
    /// <summary>C.</summary>
    Changed,

    /// <summary>A.</summary>
    Added,

    /// <summary>D.</summary>
    Deleted,
}

/// <summary>A file that a container has changed.</summary>
/// <param name="Path">From the root on, without a slash at the beginning.</param>
/// <param name="Inode">As it is now; null of one that was deleted.</param>
public readonly record struct FileChange(ReadOnlyMemory<byte> Path, ChangeKind Kind, IInode? Inode);

/// <summary>What a container has changed of its image: docker diff.</summary>
public static class ContainerChanges
{
    extension(ContainerLayers layers)
    {
        /// <summary>
        /// Each changed file, a directory before what is in it, names by their bytes. A directory is changed where its owner, mode or time is
        /// another, or a name in it was added or deleted; the root itself is never told. Of what was deleted with its directory only that is told.
        /// </summary>
        /// <exception cref="DiskException"/>
        public IEnumerable<FileChange> Changes(DiskLimits? limits = null) => Walk(layers, Teller.All, limits ?? s_limits);

        /// <summary>The same as an engine's own diff tells it: see <see cref="Teller"/>.</summary>
        /// <exception cref="DiskException"/>
        public IEnumerable<FileChange> ChangesAsToldBy(ContainerRuntime runtime) => runtime switch
        {
            ContainerRuntime.Docker => Walk(layers, Teller.Docker, s_limits),
            ContainerRuntime.Podman => Walk(layers, Teller.Podman, s_limits).Where(change => !IsMadeByPodman(change.Path.Span)),
            _ => layers.Changes(),
        };
    }

    /// <summary>A file that podman makes itself in each container, which is no change of it and belongs into no archive of its changes.</summary>
    /// <param name="path">As in <see cref="FileChange.Path"/>.</param>
    public static bool IsMadeByPodman(ReadOnlySpan<byte> path) => s_podmans.Contains(PathText.Of(path));

    /// <summary>Where diffs differ.</summary>
    private enum Teller
    {
        All,

        /// <summary>It compares (moby pkg/archive ChangesDirs): a directory is changed where anything below it is, its time does not matter, and a file that was copied up and left as it was is not told.</summary>
        Docker,

        /// <summary>It goes through the upper layer (containers/storage pkg/archive OverlayChanges): a directory that was removed and made anew is deleted. Where podman mounts something itself it tells nothing.</summary>
        Podman,
    }

    /// <summary>initInodes (libpod/diff.go), as <see cref="PathText"/> has them.</summary>
    private static readonly HashSet<string> s_podmans =
        ["dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab", "proc", "run", "run/notify", "run/.containerenv", "run/secrets", "run/podman-init", "sys"];

    private static readonly DiskLimits s_limits = new() { TreeEntries = ContainerLimits.Default.TreeEntries };

    private static IEnumerable<FileChange> Walk(ContainerLayers layers, Teller teller, DiskLimits limits)
    {
        long count = 0;
        var open = new Stack<OpenDirectory>();
        open.Push(new OpenDirectory([], layers.Merged.Root, layers.Image?.Root, isMadeAnew: false) { IsTold = true });
        while (open.TryPeek(out OpenDirectory? current))
        {
            if (!current.Names.MoveNext())
            {
                open.Pop();
                continue;
            }

            if (++count > limits.TreeEntries) throw new DiskLimitException("changed files", nameof(DiskLimits.TreeEntries), limits.TreeEntries);
            FileName name = current.Names.Current;
            OverlayInode? now = current.Now.Lookup(name.Bytes);
            IInode? before = null;
            current.Before?.TryLookup(name.Bytes, out before);
            // A whiteout of what was never there; or it is as the image has it.
            if ((now is null && before is null) || (now is not null && !now.IsInUpper && !current.IsAdded)) continue;
            byte[] path = current.Path.Length == 0 ? name.Bytes.ToArray() : [.. current.Path, (byte)'/', .. name.Bytes];
            bool isDirectory = now is { Status.IsDirectory: true }, wasDirectory = before is { Status.IsDirectory: true };
            bool isMadeAnew = isDirectory && wasDirectory && OverlayAttributes.Of(now!.Topmost).IsOpaque;
            ChangeKind kind = now is null || (isMadeAnew && teller == Teller.Podman) ? ChangeKind.Deleted : before is null ? ChangeKind.Added : ChangeKind.Changed;
            bool isTold = kind != ChangeKind.Changed || IsChanged(teller, now!.Status, before!.Status);
            if (isTold)
            {
                IEnumerable<OpenDirectory> above = open;
                if (teller != Teller.Docker) above = kind == ChangeKind.Changed ? Enumerable.Empty<OpenDirectory>() : [current];
                foreach (OpenDirectory directory in above.Reverse())
                {
                    if (directory.IsTold) continue;
                    directory.IsTold = true;
                    yield return new FileChange(directory.Path, ChangeKind.Changed, directory.Now);
                }

                yield return new FileChange(path, kind, now);
            }

            if (!isDirectory) continue;
            if (open.Count == limits.TreeDepth) throw new DiskLimitException("changed files", nameof(DiskLimits.TreeDepth), limits.TreeDepth);
            open.Push(new OpenDirectory(path, now!, wasDirectory ? before : null, isMadeAnew && teller != Teller.Podman) { IsTold = isTold });
        }
    }

    private static bool IsChanged(Teller teller, FileStatus now, FileStatus before)
    {
        bool isOthers = (now.Mode, now.Uid, now.Gid, now.Rdev) != (before.Mode, before.Uid, before.Gid, before.Rdev);
        if (now.IsDirectory && before.IsDirectory) return teller switch
        {
            Teller.Docker => isOthers,
            Teller.Podman => (now.Mode, now.Size, now.Mtime) != (before.Mode, before.Size, before.Mtime),
            _ => isOthers || now.Mtime != before.Mtime,
        };
        return teller != Teller.Docker || isOthers || (now.Size, now.Mtime) != (before.Size, before.Mtime);
    }

    /// <summary>A directory that is, or was, in the container.</summary>
    /// <param name="isMadeAnew">It hides what was there before.</param>
    private sealed class OpenDirectory(byte[] path, OverlayInode now, IInode? before, bool isMadeAnew)
    {
        public byte[] Path { get; } = path;

        public OverlayInode Now { get; } = now;

        /// <summary>Null where the image has none there.</summary>
        public IInode? Before { get; } = before;

        /// <summary>All that is in it is new, in whichever layer it is: a directory of the image that was given another name.</summary>
        public bool IsAdded => Before is null;

        public bool IsTold { get; set; }

        public IEnumerator<FileName> Names { get; } = NamesOf(now, before, isMadeAnew).Order().GetEnumerator();

        /// <summary>Those that the topmost layer has, whiteouts with them; of a directory that hides what was there before, those that are hidden, too.</summary>
        private static IEnumerable<FileName> NamesOf(OverlayInode now, IInode? before, bool isMadeAnew)
        {
            if (before is null) return now.Entries.Select(entry => entry.Name);
            IEnumerable<FileName> upper = now.Topmost.Entries.Select(entry => entry.Name);
            return isMadeAnew ? upper.Union(before.Entries.Select(entry => entry.Name)) : upper;
        }
    }
}
