using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Fuzzing;

/// <summary>
/// A guest's RAM out of a file, as a private copy to be spoilt. No page lies before and behind each of its segments: a read
/// outside of RAM ends the program. The one place with raw pointers.
/// </summary>
internal sealed unsafe partial class MappedImage : IDisposable
{
    private const int Read = 1, ReadWrite = 3, None = 0;
    private const int Private = 2, Fixed = 0x10, Anonymous = 0x20, NoReserve = 0x4000;

    private readonly List<(nint Start, nuint Length)> _mappings = [];
    private readonly List<GuestMemorySegment> _segments = [];

    /// <param name="ram">The segments' bytes, one after another.</param>
    /// <param name="segments">Where each begins in the guest, and its length.</param>
    /// <param name="writable">Whether it is to be changed; the file is not.</param>
    public MappedImage(string ram, IEnumerable<(ulong Start, long Length)> segments, bool writable)
    {
        using SafeFileHandle file = File.OpenHandle(ram);
        long offset = 0;
        foreach ((ulong start, long length) in segments)
        {
            nuint guarded = (nuint)length + 2 * GuestPage.Size;
            nint area = Map(0, guarded, None, Private | Anonymous | NoReserve, -1, 0);
            _mappings.Add((area, guarded));
            nint memory = Map(area + GuestPage.Size, (nuint)length, writable ? ReadWrite : Read, Private | Fixed | NoReserve, (int)file.DangerousGetHandle(), offset);
            _segments.Add(new GuestMemorySegment(new GuestPhysicalAddress(start), memory, length));
            offset += length;
        }

        Memory = new GuestPhysicalMemory(_segments);
    }

    public GuestPhysicalMemory Memory { get; }

    /// <summary>The bytes at an address, to be read and written.</summary>
    /// <returns>Empty where they are not all in RAM.</returns>
    public Span<byte> Bytes(GuestPhysicalAddress address, int length)
    {
        foreach (GuestMemorySegment segment in _segments)
        {
            if (address >= segment.Start && address < segment.End && segment.End - address >= (ulong)length)
                return new Span<byte>((byte*)segment.Pointer + (address - segment.Start), length);
        }

        return default;
    }

    public void Dispose()
    {
        foreach ((nint start, nuint length) in _mappings) _ = Unmap(start, length);
    }

    private static nint Map(nint at, nuint length, int protection, int flags, int file, long offset)
    {
        nint memory = MMap(at, length, protection, flags, file, offset);
        return memory != -1 ? memory : throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{length} bytes cannot be mapped: {Marshal.GetLastPInvokeErrorMessage()}"));
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MMap(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
