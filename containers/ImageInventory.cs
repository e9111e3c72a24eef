using System.Diagnostics;
using Watari.Containers.Stores;
using Watari.Containers.Stores.Docker;
using Watari.Containers.Stores.Podman;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers;

/// <summary>The images that Docker and podman keep in a guest.</summary>
public sealed class ImageInventory
{
    private ImageInventory(IReadOnlyList<ImageRecord> images, IReadOnlyList<UnreadableFile> unreadable)
    {
        Images = images;
        Unreadable = unreadable;
    }

    /// <summary>The newest first.</summary>
    public IReadOnlyList<ImageRecord> Images { get; }

    /// <summary>What could not be read: images may be missing.</summary>
    public IReadOnlyList<UnreadableFile> Unreadable { get; }

    /// <param name="open">Gives the guest's files, from the root on, for one look. A look that could not read all is taken again, for the guest may just have been writing.</param>
    /// <exception cref="DiskException">They cannot be opened.</exception>
    public static ImageInventory Read(Func<IFileSystem> open, ContainerLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(open);
        limits ??= ContainerLimits.Default;
        long began = Stopwatch.GetTimestamp();
        for (int attempt = 1; ; attempt++)
        {
            List<UnreadableFile> unreadable = [];
            var files = new StoreFiles(open(), limits, withSizes: false, began);
            List<ImageRecord> images = [.. DockerImageStore.Read(files, unreadable), .. PodmanImageStore.Read(files, unreadable)];
            if (unreadable.Count == 0 || attempt == limits.Attempts || StoreFiles.IsLate(limits, began))
                return new ImageInventory([.. images.OrderByDescending(image => image.Created ?? DateTimeOffset.MinValue).ThenBy(image => image.Id, StringComparer.Ordinal)], unreadable);
        }
    }
}
