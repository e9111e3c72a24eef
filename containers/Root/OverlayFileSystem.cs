using Watari.Disk.FileSystems;

namespace Watari.Containers.Root;

/// <summary>
/// Directories laid over one another as the kernel's overlay lays them (Documentation/filesystems/overlayfs.rst): whiteouts, opaque and
/// redirected directories, files of which only the metadata were copied up.
/// <code>
/// var root = new OverlayFileSystem([upper, .. lowers]);
/// byte[] hosts = root.Root.Find("/etc/hosts"u8).ReadAll(limit: 1 &lt;&lt; 20);
/// </code>
/// </summary>
public sealed class OverlayFileSystem : IFileSystem
{
    /// <param name="layers">Their directories, the topmost first; at least one.</param>
    public OverlayFileSystem(IReadOnlyList<IInode> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentOutOfRangeException.ThrowIfZero(layers.Count, nameof(layers));
        Root = new OverlayInode(this, [.. layers.Select((inode, index) => new LayerInode(index, inode))], data: layers[0]);
    }

    /// <summary>All layers' own first directories.</summary>
    public OverlayInode Root { get; }

    IInode IFileSystem.Root => Root;
}

/// <summary>A file of a layer.</summary>
/// <param name="Layer">The layer's number, 0 for the topmost.</param>
internal readonly record struct LayerInode(int Layer, IInode Inode);
