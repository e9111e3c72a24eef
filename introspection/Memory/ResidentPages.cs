using System.Runtime.InteropServices;

namespace Watari.Introspection.Memory;

/// <summary>
/// Which pages of a mapping are in the host's memory. To look at a page that a guest never touched would make the host give it
/// memory: a search through all of RAM must pass over such pages, or it makes each guest as large as it may ever be.
/// </summary>
internal static partial class ResidentPages
{
    private const byte ResidentBit = 1;

    /// <summary>How many pages one question is about: 4 MiB of guest memory.</summary>
    public const int Batch = 1024;

    /// <summary>Tells of each page of a segment from an offset on where it is. Where the host does not say, all are resident.</summary>
    public static void Query(in GuestMemorySegment segment, long offset, Span<PageResidence> pages)
    {
        if (segment.Shadow is { } shadow)
        {
            shadow.Ram.QueryPages(offset, pages);
            return;
        }

        Span<byte> answer = stackalloc byte[Batch];
        answer = answer[..pages.Length];
        bool told = MinCore(segment.Pointer + (nint)offset, (nuint)pages.Length * GuestPage.Size, ref MemoryMarshal.GetReference(answer)) == 0;
        for (int i = 0; i < pages.Length; i++) pages[i] = !told || (answer[i] & ResidentBit) != 0 ? PageResidence.Resident : PageResidence.Elsewhere;
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int MinCore(nint address, nuint length, ref byte answer);
}
