using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>
/// One stretch of guest-physical RAM, mapped into our memory: shared with the guest, readable and writable.
/// Between 640 KiB and 1 MiB the guest may see a window (VGA, BIOS) where the region holds the RAM beneath it.
/// </summary>
public sealed unsafe class RamRegion
{
    // Pointers live here, for a region of many GiB does not fit into a Span and guest memory changes under any copy-free view.
    private byte* _pointer;

    private RamRegion(GuestPhysicalAddress start, long length, SafeFileHandle file, long fileOffset, byte* pointer)
    {
        Start = start;
        Length = length;
        File = file;
        FileOffset = fileOffset;
        _pointer = pointer;
    }

    public GuestPhysicalAddress Start { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>First address after the region.</summary>
    public GuestPhysicalAddress End => Start + Length;

    /// <summary>Where <see cref="Start"/> lies in our memory. Null once the <see cref="GuestRam"/> is disposed.</summary>
    public byte* Pointer => _pointer;

    /// <summary>The file or memfd behind the region, and where in it the region starts.</summary>
    internal SafeFileHandle File { get; }

    internal long FileOffset { get; }

    public bool Contains(GuestPhysicalAddress address, long length = 1) =>
        address >= Start && address < End && length >= 0 && length <= End - address;

    /// <summary>A window of the region in our memory; it must not outlive the <see cref="GuestRam"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The window does not lie in the region.</exception>
    public Span<byte> Window(GuestPhysicalAddress address, int length)
    {
        if (!Contains(address, length)) throw new ArgumentOutOfRangeException(nameof(address), $"{address} + {length} bytes is not in the region {Start}..{End}.");
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new Span<byte>(_pointer + (address - Start), length);
    }

    /// <summary>
    /// The stretches that have pages, in order (lseek(2) SEEK_DATA). Everything between them reads as zero, and reading it through the
    /// mapping would give each page memory: a walk over all of RAM should go by this.
    /// </summary>
    public IEnumerable<(GuestPhysicalAddress Start, long Length)> Populated() =>
        SparseFile.Data(File, FileOffset, Length).Select(data => (Start + (data.Offset - FileOffset), data.Length));

    /// <summary>Maps the region. No page of it is touched.</summary>
    internal static RamRegion Map(GuestPhysicalAddress start, long length, SafeFileHandle file, long fileOffset)
    {
        // Beyond the end of the file a read is a SIGBUS, which is the end of the process.
        long available = RandomAccess.GetLength(file) - fileOffset;
        if (available < length) throw new HypervisorException($"The RAM file ends {length - available} bytes before the guest's region {start} + {length} bytes does.");
        void* address = LibC.Mmap(null, (nuint)length, LibC.ProtRead | LibC.ProtWrite, LibC.MapShared, file, fileOffset);
        if (address == LibC.MapFailed)
            throw new HypervisorException($"The guest's RAM at {start} ({length} bytes) cannot be mapped: {Marshal.GetLastPInvokeErrorMessage()}.");
        // A core dump of ours must not hold the guest's secrets, nor a child its page tables. Both are wishes: a kernel that refuses them does no harm.
        _ = LibC.Madvise(address, (nuint)length, LibC.MadvDontDump);
        _ = LibC.Madvise(address, (nuint)length, LibC.MadvDontFork);
        return new RamRegion(start, length, file, fileOffset, (byte*)address);
    }

    internal void Unmap()
    {
        if (_pointer is null) return;
        _ = LibC.Munmap(_pointer, (nuint)Length);
        _pointer = null;
        File.Dispose();
    }
}
