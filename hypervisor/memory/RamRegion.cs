using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>
/// One stretch of guest-physical RAM, readable and writable: mapped into our memory and shared with the guest, or left where it is in QEMU's.
/// Between 640 KiB and 1 MiB the guest may see a window (VGA, BIOS) where the region holds the RAM beneath it.
/// </summary>
public sealed unsafe class RamRegion
{
    // Pointers live here, for a region of many GiB does not fit into a Span and guest memory changes under any copy-free view.
    private byte* _pointer;
    private readonly SafeFileHandle? _file;
    private readonly long _fileOffset;
    private readonly ProcessMemory? _process;
    private readonly ulong _hostAddress;
    private readonly bool _anonymous;

    private RamRegion(GuestPhysicalAddress start, long length, RamAccess access, SafeFileHandle file, long fileOffset, byte* pointer)
    {
        Start = start;
        Length = length;
        Access = access;
        _file = file;
        _fileOffset = fileOffset;
        _pointer = pointer;
    }

    /// <summary>A region that stays in the memory of QEMU's process.</summary>
    /// <param name="start">Where the guest has it.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="process">QEMU's memory, not ours to dispose.</param>
    /// <param name="hostAddress">Where QEMU has it.</param>
    /// <param name="anonymous">Whether no file is behind it.</param>
    internal RamRegion(GuestPhysicalAddress start, long length, ProcessMemory process, ulong hostAddress, bool anonymous)
    {
        Start = start;
        Length = length;
        Access = RamAccess.ProcessMemory;
        _process = process;
        _hostAddress = hostAddress;
        _anonymous = anonymous;
    }

    public GuestPhysicalAddress Start { get; }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>First address after the region.</summary>
    public GuestPhysicalAddress End => Start + Length;

    public RamAccess Access { get; }

    /// <summary>Where <see cref="Start"/> lies in our memory. Null for one that is not mapped, and once the <see cref="GuestRam"/> is disposed.</summary>
    public byte* Pointer => _pointer;

    public bool Contains(GuestPhysicalAddress address, long length = 1) =>
        address >= Start && address < End && length >= 0 && length <= End - address;

    /// <summary>A window of the region in our memory; it must not outlive the <see cref="GuestRam"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The window does not lie in the region.</exception>
    /// <exception cref="InvalidOperationException">The region is not mapped (<see cref="RamAccess.ProcessMemory"/>): copy it.</exception>
    public Span<byte> Window(GuestPhysicalAddress address, int length)
    {
        Check(address, length);
        if (_process is not null) throw new InvalidOperationException($"The region {Start}..{End} is in QEMU's memory and has no window in ours.");
        ObjectDisposedException.ThrowIf(_pointer is null, this);
        return new Span<byte>(_pointer + (address - Start), length);
    }

    /// <summary>
    /// Copies out of the region, however it is reached; of one that is mapped by its file, for a page that we have not touched yet is more work to map
    /// than to copy.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not all of it lies in the region.</exception>
    /// <exception cref="HypervisorException">QEMU has ended, and RAM that was its own with it.</exception>
    public void Read(GuestPhysicalAddress address, Span<byte> destination)
    {
        Check(address, destination.Length);
        if (_process is not null)
        {
            _process.Read(HostAddressOf(address), destination);
            return;
        }

        ObjectDisposedException.ThrowIf(_pointer is null, this);
        long offset = _fileOffset + (address - Start);
        while (!destination.IsEmpty)
        {
            int read = ReadFile(offset, destination);
            if (read == 0) throw new HypervisorException($"The RAM file ends before the guest's region {Start}..{End} does: it was cut off.");
            destination = destination[read..];
            offset += read;
        }
    }

    /// <summary>Writes into the region, however it is reached.</summary>
    /// <inheritdoc cref="Read"/>
    public void Write(GuestPhysicalAddress address, ReadOnlySpan<byte> source)
    {
        Check(address, source.Length);
        if (_process is not null) _process.Write(HostAddressOf(address), source);
        else source.CopyTo(Window(address, source.Length));
    }

    /// <summary>Copies the eight bytes at each of some addresses of a region that is not mapped, many in one call.</summary>
    /// <param name="addresses">All of them in the region.</param>
    /// <param name="words">As many.</param>
    /// <inheritdoc cref="Read"/>
    public void ReadWords(ReadOnlySpan<GuestPhysicalAddress> addresses, Span<ulong> words)
    {
        ProcessMemory process = NotMapped();
        Span<ulong> there = stackalloc ulong[ProcessMemory.MostPieces];
        for (int done = 0; done < addresses.Length;)
        {
            int count = Math.Min(addresses.Length - done, there.Length);
            for (int i = 0; i < count; i++)
            {
                Check(addresses[done + i], sizeof(ulong));
                there[i] = HostAddressOf(addresses[done + i]);
            }
            process.ReadWords(there[..count], words.Slice(done, count));
            done += count;
        }
    }

    /// <summary>Where the pages are, from one on, of a region that is not mapped. Gives memory to none.</summary>
    /// <inheritdoc cref="Read"/>
    public void QueryPages(GuestPhysicalAddress first, Span<PagePlace> places)
    {
        Check(first, 4096L * places.Length);
        NotMapped().QueryPages(HostAddressOf(first), _anonymous, places);
    }

    /// <summary>
    /// The stretches that have pages, in order (lseek(2) SEEK_DATA), of a region that is mapped. Everything between them reads as zero, and reading it
    /// through the mapping would give each page memory: a walk over all of RAM should go by this.
    /// </summary>
    public IEnumerable<(GuestPhysicalAddress Start, long Length)> Populated() =>
        _file is { } file
            ? SparseFile.Data(file, _fileOffset, Length).Select(data => (Start + (data.Offset - _fileOffset), data.Length))
            : throw new InvalidOperationException($"The region {Start}..{End} is in QEMU's memory, and no file tells its holes.");

    /// <summary>Maps the region. No page of it is touched.</summary>
    internal static RamRegion Map(GuestPhysicalAddress start, long length, RamAccess access, SafeFileHandle file, long fileOffset)
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
        return new RamRegion(start, length, access, file, fileOffset, (byte*)address);
    }

    internal void Unmap()
    {
        if (_pointer is null) return;
        _ = LibC.Munmap(_pointer, (nuint)Length);
        _pointer = null;
        _file?.Dispose();
    }

    private int ReadFile(long offset, Span<byte> destination)
    {
        try
        {
            return RandomAccess.Read(_file!, destination, offset);
        }
        catch (IOException failure)
        {
            throw new HypervisorException($"The guest's RAM {Start}..{End} cannot be read: {failure.Message}", failure);
        }
    }

    private ulong HostAddressOf(GuestPhysicalAddress address) => _hostAddress + (ulong)(address - Start);

    private ProcessMemory NotMapped() => _process ?? throw new InvalidOperationException($"The region {Start}..{End} is mapped: read it in place.");

    private void Check(GuestPhysicalAddress address, long length)
    {
        if (!Contains(address, length)) throw new ArgumentOutOfRangeException(nameof(address), $"{address} + {length} bytes is not in the region {Start}..{End}.");
    }
}
