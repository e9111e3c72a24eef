using System.Collections.Immutable;
using Watari.Containers;
using Watari.Disk;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Silo.Engine.Inventory;

/// <summary>What is told of the images in a VM, as docker images has it: a line for each name.</summary>
internal static class ImageList
{
    /// <summary>What a message carries. A guest can give one image any number of names, and of any length.</summary>
    private const long MaxCharacters = 16 << 20;

    /// <summary>Blocks: for the engine's threads.</summary>
    /// <exception cref="DiskException">The VM's files cannot be read.</exception>
    public static Listing<ImageDescription> Describe(VmLook look)
    {
        ImageInventory inventory = ImageInventory.Read(look.Files, look.Limits);
        List<string> problems = [.. ContainerList.Problems(look, inventory.Unreadable)];
        ImmutableArray<ImageDescription>.Builder lines = ImmutableArray.CreateBuilder<ImageDescription>();
        long left = MaxCharacters;
        foreach (ImageDescription line in inventory.Images.SelectMany(image => Describe(image, look.Id)))
        {
            left -= line.Characters();
            if (left < 0)
            {
                problems.Add($"{look.Id}: not all images are shown: more than {MaxCharacters} characters are written of them");
                break;
            }

            lines.Add(line);
        }

        return new Listing<ImageDescription>(lines.DrainToImmutable(), [.. problems]);
    }

    private static IEnumerable<ImageDescription> Describe(ImageRecord image, VmId vm)
    {
        foreach (string? name in image.Names.DefaultIfEmpty())
        {
            (string? repository, string? tag) = name is null ? (null, null) : ImageRecord.Parts(name);
            yield return new ImageDescription(vm, image.Runtime.ToString().ToLowerInvariant(), repository, tag, image.Id, image.Created, image.Size);
        }
    }
}
