using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Root;

/// <summary>The layers of a container's root.</summary>
public sealed class ContainerLayers
{
    private ContainerLayers(IInode upper, IReadOnlyList<IInode> lower)
    {
        Image = lower.Count > 0 ? new OverlayFileSystem(lower) : null;
        Merged = new OverlayFileSystem([upper, .. lower]);
    }

    /// <summary>What there was before; null of a container that was made of nothing.</summary>
    public OverlayFileSystem? Image { get; }

    public OverlayFileSystem Merged { get; }

    /// <exception cref="DiskException">One is not there, or cannot be read.</exception>
    public static ContainerLayers Open(OverlayDirectories directories, IFileSystem guest)
    {
        ArgumentNullException.ThrowIfNull(directories);
        ArgumentNullException.ThrowIfNull(guest);
        return new ContainerLayers(Find(directories.Upper), [.. directories.Lower.Select(Find)]);

        IInode Find(string path) => guest.Root.Find(Encoding.UTF8.GetBytes(path)) is { Status.IsDirectory: true } directory
            ? directory
            : throw new DiskStructureException($"layer {path}", "is no directory");
    }

    internal static ContainerLayers Of(IInode upper, params IReadOnlyList<IInode> lower) => new(upper, lower);
}
