using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>inventory: what the set is, and what of it the restorer itself already has.</summary>
internal static class InventoryImages
{
    /// <summary>The version since which the common magic stands before each image (criu/include/magic.h).</summary>
    private const uint ImagesVersion = 2;

    public const uint OwnCgroupSet = 1;

    public static void Build(ImageSetWriter images, Container container, NamespaceIds ids, CriuImageOptions options) =>
        images.Add(CriuImageKinds.Inventory, new Proto.InventoryEntry
        {
            ImgVersion = ImagesVersion,
            FdinfoPerId = true,
            RootIds = ids.Build(container.HostNamespaces, OfCriu(container)),
            NsPerId = true,
            RootCgSet = OwnCgroupSet,
            Lsmtype = Proto.LsmType.None,
            NetworkLockMethod = (uint)options.NetworkLock,
        });

    /// <summary>CRIU's own objects: none that a process of the container has, or that would not get one of its own.</summary>
    private static SharedObjects OfCriu(Container container)
    {
        IEnumerable<SharedObjects> taken = container.Processes.Select(process => process.Shares);
        return new SharedObjects(
            taken.Max(shares => shares.Memory) + 1,
            new DescriptorTableId(taken.Max(shares => shares.Descriptors.Value) + 1),
            taken.Max(shares => shares.FileSystem) + 1,
            taken.Max(shares => shares.SignalHandlers) + 1);
    }

    public static NamespaceSet Parse(ImageSetView images)
    {
        var inventory = images.Single<Proto.InventoryEntry>(CriuImageKinds.Inventory);
        if (inventory.ImgVersion != ImagesVersion)
            throw new CriuImageException(CriuImageKinds.Inventory.FileName(), $"version {inventory.ImgVersion} of the images; only {ImagesVersion} is read");
        return NamespaceIds.Parse(inventory.RootIds ?? throw new CriuImageException(CriuImageKinds.Inventory.FileName(), "it has no root_ids"));
    }
}
