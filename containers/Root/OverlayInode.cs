using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Root;

/// <summary>A file of an <see cref="OverlayFileSystem"/>.</summary>
public sealed class OverlayInode : IInode
{
    private const int MaxEntries = 1 << 20; // of all layers of one directory

    private readonly OverlayFileSystem _overlay;
    private readonly IReadOnlyList<LayerInode> _parts;
    private readonly IInode _data;

    /// <param name="parts">The topmost first; of a directory all that are merged in it.</param>
    /// <param name="data">Of a regular file: where what is in it is.</param>
    internal OverlayInode(OverlayFileSystem overlay, IReadOnlyList<LayerInode> parts, IInode data)
    {
        _overlay = overlay;
        _parts = parts;
        _data = data;
    }

    public FileStatus Status => _parts[0].Inode.Status;

    /// <summary>Whether it, or something of it, is in the topmost layer.</summary>
    internal bool IsInUpper => _parts[0].Layer == 0;

    /// <summary>The file in its topmost layer.</summary>
    internal IInode Topmost => _parts[0].Inode;

    public IEnumerable<DirectoryEntry> Entries
    {
        get
        {
            HashSet<FileName> seen = [];
            foreach (LayerInode part in _parts)
            {
                foreach (DirectoryEntry entry in part.Inode.Entries)
                {
                    if (!seen.Add(entry.Name)) continue;
                    if (seen.Count > MaxEntries) throw new DiskLimitException($"inode {Status.Ino}, a directory", nameof(DiskLimits.DirectoryEntries), MaxEntries);
                    if (!MayBeWhiteout(entry.Type) || !OverlayAttributes.IsWhiteout(part.Inode.Open(entry).Status)) yield return entry;
                }
            }
        }
    }

    public IInode Open(in DirectoryEntry entry) => TryLookup(entry.Name.Bytes, out IInode inode) ? inode : throw new DiskStructureException($"{entry.Name}", "is gone");

    public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
    {
        inode = Lookup(name)!;
        return inode is not null;
    }

    public int Read(long offset, Span<byte> destination) => _data.Read(offset, destination);

    public bool TryFindData(long offset, out FileRange data) => _data.TryFindData(offset, out data);

    public ReadOnlyMemory<byte> ReadLink() => _data.ReadLink();

    /// <summary>Without overlay's own.</summary>
    public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => [.. Topmost.ReadExtendedAttributes().Where(attribute => !OverlayAttributes.IsOverlays(attribute.Name))];

    /// <summary>As ovl_lookup (fs/overlayfs/namei.c) has it; null where there is none.</summary>
    internal OverlayInode? Lookup(ReadOnlySpan<byte> name)
    {
        List<LayerInode> found = [];
        IReadOnlyList<LayerInode> from = _parts;
        byte[] path = name.ToArray();
        for (int i = 0; i < from.Count; i++)
        {
            if (!TryWalk(from[i].Inode, path, out IInode inode)) continue;
            FileStatus status = inode.Status;
            if (OverlayAttributes.IsWhiteout(status)) break;
            bool isFirst = found.Count == 0;
            if (!isFirst && status.IsDirectory != found[0].Inode.Status.IsDirectory) break;
            if (!status.IsDirectory && !isFirst && status.Type != FileType.Regular) break;
            found.Add(new LayerInode(from[i].Layer, inode));
            if (!status.IsDirectory && status.Type != FileType.Regular) break;
            OverlayAttributes attributes = OverlayAttributes.Of(inode);
            if (status.IsDirectory ? attributes.IsOpaque : !attributes.IsMetacopy) break;
            if (attributes.Redirect is not { IsEmpty: false } redirect) continue;
            path = redirect.ToArray();
            if (path[0] != '/') continue;
            // A path begins at the root of each layer below this one.
            int layer = from[i].Layer;
            from = [.. _overlay.Root._parts.Where(part => part.Layer > layer)];
            i = -1;
        }

        if (found.Count == 0) return null;
        return found[0].Inode.Status.IsDirectory ? new OverlayInode(_overlay, found, found[0].Inode) : new OverlayInode(_overlay, found[..1], found[^1].Inode);
    }

    /// <summary>Of a layer alone; what overlay itself writes down leads through directories, never over a link.</summary>
    private static bool TryWalk(IInode directory, ReadOnlySpan<byte> path, out IInode found)
    {
        found = directory;
        bool any = false;
        foreach (Range range in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path[range];
            if (name.IsEmpty) continue;
            if (!FileName.IsValid(name) || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) return false;
            if (!found.Status.IsDirectory || !found.TryLookup(name, out found)) return false;
            any = true;
        }

        return any;
    }

    private static bool MayBeWhiteout(FileType type) => type is FileType.CharacterDevice or FileType.None;
}
