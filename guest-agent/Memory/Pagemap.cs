using System.Globalization;
using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Memory;

/// <summary>One entry of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst).</summary>
internal readonly record struct PagemapEntry(ulong Value)
{
    private const ulong PresentBit = 1ul << 63, SwappedBit = 1ul << 62, FileBit = 1ul << 61, ExclusiveBit = 1ul << 56;
    private const ulong FrameMask = (1ul << 55) - 1;

    public bool Present => (Value & PresentBit) != 0;

    /// <summary>Nothing is there, in memory or in swap.</summary>
    public bool Absent => (Value & (PresentBit | SwappedBit)) == 0;

    /// <summary>An anonymous page that nobody else maps: what is written into it, its process alone sees.</summary>
    public bool Exclusive => (Value & (PresentBit | FileBit | ExclusiveBit)) == (PresentBit | ExclusiveBit);

    /// <summary>A page of a file or of shared memory.</summary>
    public bool OfFile => (Value & FileBit) != 0;

    /// <summary>The guest-physical page frame number; 0 where absent.</summary>
    public ulong Frame => Present ? Value & FrameMask : 0;
}

/// <summary>/proc/PID/pagemap of a process.</summary>
internal sealed class Pagemap(string process) : IDisposable
{
    public const int PageSize = 4096;

    private readonly KernelFile file = KernelFile.Open($"/proc/{process}/pagemap", Libc.O_RDONLY);

    public static Pagemap Of(int pid) => new(pid.ToString(CultureInfo.InvariantCulture));

    /// <summary>The entries of consecutive pages; what lies beyond the last mapping reads as absent.</summary>
    public void Read(ulong address, Span<PagemapEntry> entries)
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(entries);
        int read = file.Read(bytes, (long)(address / PageSize * 8));
        bytes[read..].Clear();
    }

    public void Dispose() => file.Dispose();
}
