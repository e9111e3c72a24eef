using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>A container model to a complete set of images, which CRIU 3.17.1 and 4.1.1 restore.</summary>
public static class CriuImageBuilder
{
    /// <summary>Builds the set.</summary>
    /// <param name="container">What to write.</param>
    /// <param name="contents">Where the contents of deleted and tmpfs files are read from now; those of pages only when the set is written.</param>
    /// <param name="options">How the restore shall be done.</param>
    /// <exception cref="PageContentsException">The location of a page does not exist in <paramref name="contents"/>.</exception>
    public static CriuImageSet Build(Container container, IPageContents contents, CriuImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(contents);
        ArgumentNullException.ThrowIfNull(options);

        container = SharedAnonymousMemory.AsMemfds(container);
        var images = new ImageSetWriter(contents);
        var ids = new NamespaceIds(container.HostNamespaces);
        InventoryImages.Build(images, container, ids, options);
        ProcessTreeImages.Build(images, container, ids);
        CoreImages.Build(images, container);
        MemoryImages.Build(images, container);
        DescriptorTableImages.Build(images, container);
        FileImages.Build(images, container, ids);
        NamespaceImages.Build(images, container, ids);
        MountImages.Build(images, container, ids);
        TmpfsImages.Build(images, container);
        CgroupImages.Build(images, container);
        SeccompImages.Build(images, container);
        RuntimeDescriptors.Build(images, container);
        return images.ToImageSet();
    }
}
