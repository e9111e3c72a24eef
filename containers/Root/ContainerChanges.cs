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
        public IEnumerable<FileChange> Changes(DiskLimits? limits = null) => Walk(layers, limits ?? s_limits);

        /// <summary>The same without what an engine's own diff leaves out: podman's, the places where it mounts something itself.</summary>
        public IEnumerable<FileChange> ChangesAsToldBy(ContainerRuntime runtime) =>
            runtime == ContainerRuntime.Podman ? layers.Changes().Where(change => !s_podmans.Contains(PathText.Of(change.Path.Span))) : layers.Changes();
    }

    /// <summary>initInodes (libpod/diff.go).</summary>
    private static readonly HashSet<string> s_podmans =
        ["dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab", "proc", "run", "run/notify", "run/.containerenv", "run/secrets", "run/podman-init", "sys"];

    private static readonly DiskLimits s_limits = new() { TreeEntries = ContainerLimits.Default.TreeEntries };

    private static IEnumerable<FileChange> Walk(ContainerLayers layers, DiskLimits limits)
    {
        long count = 0;
        var open = new Stack<OpenDirectory>();
        open.Push(new OpenDirectory([], layers.Merged.Root, layers.Image?.Root) { IsTold = true });
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
            ChangeKind kind = now is null ? ChangeKind.Deleted : before is null ? ChangeKind.Added : ChangeKind.Changed;
            bool isDirectory = now is { Status.IsDirectory: true }, wasDirectory = before is { Status.IsDirectory: true };
            bool isTold = !(isDirectory && wasDirectory) || !IsSame(now!.Status, before!.Status);
            // docker diff, too, names the directory before what is new or gone in it.
            if (isTold && kind != ChangeKind.Changed && !current.IsTold)
            {
                current.IsTold = true;
                yield return new FileChange(current.Path, ChangeKind.Changed, current.Now);
            }

            if (isTold) yield return new FileChange(path, kind, now);
            if (!isDirectory) continue;
            if (open.Count == limits.TreeDepth) throw new DiskLimitException("changed files", nameof(DiskLimits.TreeDepth), limits.TreeDepth);
            open.Push(new OpenDirectory(path, now!, wasDirectory ? before : null) { IsTold = isTold });
        }
    }

    private static bool IsSame(FileStatus now, FileStatus before) =>
        (now.Mode, now.Uid, now.Gid, now.Mtime) == (before.Mode, before.Uid, before.Gid, before.Mtime);

    /// <summary>A directory that is, or was, in the container.</summary>
    private sealed class OpenDirectory(byte[] path, OverlayInode now, IInode? before)
    {
        public byte[] Path { get; } = path;

        public OverlayInode Now { get; } = now;

        /// <summary>Null where the image has none there.</summary>
        public IInode? Before { get; } = before;

        /// <summary>All that is in it is new, in whichever layer it is: a directory of the image that was given another name.</summary>
        public bool IsAdded => Before is null;

        public bool IsTold { get; set; }

        public IEnumerator<FileName> Names { get; } = NamesOf(now, before).Order().GetEnumerator();

        /// <summary>Those that the topmost layer has, whiteouts with them; of a directory that hides what was there before, those that are hidden, too.</summary>
        private static IEnumerable<FileName> NamesOf(OverlayInode now, IInode? before)
        {
            if (before is null) return now.Entries.Select(entry => entry.Name);
            IEnumerable<FileName> upper = now.Topmost.Entries.Select(entry => entry.Name);
            return OverlayAttributes.Of(now.Topmost).IsOpaque ? upper.Union(before.Entries.Select(entry => entry.Name)) : upper;
        }
    }
}
