using System.Diagnostics.CodeAnalysis;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// How the pages of an image file (<c>pages-N.img</c>) are told from those of a process while they travel: by an address space of
/// their own, in which a page's number is its place in the file. Pids are far below it.
/// </summary>
internal static class ImagePages
{
    private const uint Mark = 1U << 31;

    public static AddressSpaceId SpaceOf(uint pagesId) => new(pagesId | Mark);

    public static bool TryGetFile(AddressSpaceId space, [NotNullWhen(true)] out string? file)
    {
        file = (space.Value & Mark) != 0 ? $"pages-{space.Value & ~Mark}.img" : null;
        return file is not null;
    }
}
