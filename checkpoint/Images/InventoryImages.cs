using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>inventory: what the set is, and what of it the restorer itself already has.</summary>
internal static class InventoryImages
{
    /// <summary>The version since which the common magic stands before each image (criu/include/magic.h).</summary>
    private const uint ImagesVersion = 2;

    // CRIU's own objects; those of the container count from 2.
    private static readonly SharedObjects OfCriu = new(1, new DescriptorTableId(1), 1, 1);

    public const uint OwnCgroupSet = 1;

    public static void Build(ImageSetWriter images, Container container, NamespaceIds ids, CriuImageOptions options) =>
        images.Add(CriuImageKinds.Inventory, new Proto.InventoryEntry
        {
            ImgVersion = ImagesVersion,
            FdinfoPerId = true,
            RootIds = ids.Build(container.HostNamespaces, OfCriu),
            NsPerId = true,
            RootCgSet = OwnCgroupSet,
            Lsmtype = Proto.LsmType.None,
            NetworkLockMethod = (uint)options.NetworkLock,
        });

    public static NamespaceSet Parse(ImageSetView images)
    {
        var inventory = images.Single<Proto.InventoryEntry>(CriuImageKinds.Inventory);
        if (inventory.ImgVersion != ImagesVersion)
            throw new CriuImageException(CriuImageKinds.Inventory.FileName(), $"version {inventory.ImgVersion} of the images; only {ImagesVersion} is read");
        return NamespaceIds.Parse(inventory.RootIds ?? throw new CriuImageException(CriuImageKinds.Inventory.FileName(), "it has no root_ids"));
    }
}
