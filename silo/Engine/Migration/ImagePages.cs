using System.Diagnostics.CodeAnalysis;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// How the pages of a file, an image (<c>pages-N.img</c>) or the archive, are told from those of a process while they travel: by an address space of
/// their own, in which a page's number is its place in the file. Pids are far below it.
/// </summary>
internal static class ImagePages
{
    private const uint Mark = 1U << 31;

    /// <summary>The archive of a container's files, filled up with zeroes to a whole page; no image has that number.</summary>
    public static AddressSpaceId Archive { get; } = new(uint.MaxValue);

    /// <summary>Changes of its volumes, likewise.</summary>
    public static AddressSpaceId VolumeChanges { get; } = new(uint.MaxValue - 1);

    public static AddressSpaceId SpaceOf(uint pagesId) => new(pagesId | Mark);

    public static bool IsOfProcess(AddressSpaceId space) => (space.Value & Mark) == 0;

    public static bool TryGetFile(AddressSpaceId space, [NotNullWhen(true)] out string? file)
    {
        file = !IsOfProcess(space) && space != Archive && space != VolumeChanges ? $"pages-{space.Value & ~Mark}.img" : null;
        return file is not null;
    }
}
