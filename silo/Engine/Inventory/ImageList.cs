using Watari.Containers;
using Watari.Disk;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Inventory;

/// <summary>What is told of the images in a VM, as docker images has it: a line for each name.</summary>
internal static class ImageList
{
    /// <summary>Blocks: for the engine's threads.</summary>
    /// <exception cref="DiskException">The VM's files cannot be read.</exception>
    public static Listing<ImageDescription> Describe(VmLook look)
    {
        ImageInventory inventory = ImageInventory.Read(look.Files);
        return new Listing<ImageDescription>([.. inventory.Images.SelectMany(image => Describe(image, look.Id))], [.. ContainerList.Problems(look, inventory.Unreadable)]);
    }

    private static IEnumerable<ImageDescription> Describe(ImageRecord image, VmId vm)
    {
        foreach (string? name in image.Names.DefaultIfEmpty())
        {
            (string? repository, string? tag) = Parts(name);
            yield return new ImageDescription(vm, image.Runtime.ToString().ToLowerInvariant(), repository, tag, image.Id, image.Created, image.Size);
        }
    }

    /// <summary>A colon before the last slash belongs to a registry's port.</summary>
    private static (string? Repository, string? Tag) Parts(string? name) =>
        name?.LastIndexOf(':') is { } colon && colon > name.LastIndexOf('/') ? (name[..colon], name[(colon + 1)..]) : (name, null);
}
