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

    /// <summary>Tells for each page from <paramref name="start"/> on whether it is resident. Where the host does not say, all are.</summary>
    public static void Query(nint start, Span<bool> resident)
    {
        Span<byte> answer = stackalloc byte[Batch];
        answer = answer[..resident.Length];
        bool told = MinCore(start, (nuint)resident.Length * GuestPage.Size, ref MemoryMarshal.GetReference(answer)) == 0;
        for (int i = 0; i < resident.Length; i++) resident[i] = !told || (answer[i] & ResidentBit) != 0;
    }

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static partial int MinCore(nint address, nuint length, ref byte answer);
}
