using System.Runtime.InteropServices;

namespace Watari.Introspection.Memory;

/// <summary>
/// RAM that cannot be mapped, as if it were: a mapping of our own as long as it, which is filled from it piece by piece when a piece is asked
/// for in a look that has not seen it. A new look forgets nothing and gives nothing back; pieces are read anew in place, so that a span that
/// somebody still holds shows the old bytes or fresher ones, as it does where RAM is shared.
/// </summary>
/// <remarks>
/// It holds memory for the pieces that were ever asked for, until <see cref="GiveBack"/>. Whoever goes through much of the guest's memory copies it
/// past the shadow (<see cref="GuestPhysicalMemory.TryCopy"/>, <see cref="BulkReader"/>).
/// </remarks>
public sealed unsafe partial class RamShadow : IDisposable
{
    /// <summary>What is read at once: four pages, for objects of one kind lie side by side, and a call has a price of its own.</summary>
    public const int PieceBytes = 1 << PieceShift;

    private const int PieceShift = 14;

    /// <summary>What is not worth giving back.</summary>
    private const long WorthKeeping = 64L << 20;

    private const long OutOfDate = -1;

    private readonly Lock _gate = new();
    private readonly long _limit;
    private readonly byte* _bytes;
    private readonly long* _seenIn; // of each piece the look that it was read in: 0, it has no memory here
    private readonly nuint _mapped;
    private readonly nuint _seenMapped;
    private long _look = 1;
    private long _held;
    private bool _disposed;

    /// <param name="ram">The RAM itself.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="limits">How much of it may be held.</param>
    /// <exception cref="GuestRamLostException">This process gets no more address space.</exception>
    public RamShadow(IRemoteRam ram, long length, IntrospectionLimits? limits = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        Ram = ram;
        Length = length;
        _limit = (limits ?? IntrospectionLimits.Default).ShadowBytes;
        _mapped = (nuint)((length + PieceBytes - 1) >> PieceShift << PieceShift);
        _seenMapped = (_mapped >> PieceShift) * sizeof(long);
        _bytes = (byte*)Reserve(_mapped);
        _seenIn = (long*)Reserve(_seenMapped);
    }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Bytes of memory that it takes up here.</summary>
    public long Held => Volatile.Read(ref _held);

    internal IRemoteRam Ram { get; }

    internal nint Pointer => (nint)_bytes;

    /// <summary>Whatever is asked for from here on is as the guest has it from here on: a new look begins.</summary>
    public void Refresh()
    {
        // What is just being read may be older than this call, and is marked as of the last look before the gate opens.
        lock (_gate) _look++;
    }

    /// <summary>Sees to it that these bytes are here, as they are in this look.</summary>
    /// <exception cref="GuestRamLostException">They cannot be read.</exception>
    /// <exception cref="KernelWalkException">Too much is held already.</exception>
    internal void Load(ulong offset, ulong length)
    {
        if (length == 0) return;
        long last = (long)((offset + length - 1) >> PieceShift);
        long look = Volatile.Read(ref _look);
        for (long piece = (long)(offset >> PieceShift); piece <= last; piece++)
        {
            if (Volatile.Read(ref _seenIn[piece]) != look) Read(piece, last);
        }
    }

    /// <summary>Writes to the RAM, and to what of it is here.</summary>
    /// <exception cref="GuestRamLostException">It cannot be written.</exception>
    internal void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty) return;
        lock (_gate)
        {
            try
            {
                Ram.Write(offset, source);
            }
            catch
            {
                for (long piece = offset >> PieceShift; piece <= (offset + source.Length - 1) >> PieceShift; piece++)
                {
                    if (_seenIn[piece] != 0) Volatile.Write(ref _seenIn[piece], OutOfDate);
                }

                throw;
            }

            for (int done = 0; done < source.Length;)
            {
                long at = offset + done;
                int length = (int)Math.Min(source.Length - done, PieceBytes - (at & (PieceBytes - 1)));
                if (_seenIn[at >> PieceShift] != 0) source.Slice(done, length).CopyTo(new Span<byte>(_bytes + at, length));
                done += length;
            }
        }
    }

    /// <summary>Gives its memory back to the host where that is worth it. Nobody may read meanwhile, or hold a span from before.</summary>
    public void GiveBack()
    {
        lock (_gate)
        {
            if (_held <= WorthKeeping) return;
            // Private memory without a file reads as zero after it (madvise(2)); so do the marks.
            _ = Advise(_bytes, _mapped, DontNeed);
            _ = Advise(_seenIn, _seenMapped, DontNeed);
            Volatile.Write(ref _held, 0);
        }
    }

    public void Dispose()
    {
        // What lay there may be another's by the second time.
        if (Interlocked.Exchange(ref _disposed, true)) return;
        _ = Unmap(_bytes, _mapped);
        _ = Unmap(_seenIn, _seenMapped);
    }

    /// <summary>Reads a piece, and those after it that this look lacks too.</summary>
    private void Read(long piece, long last)
    {
        lock (_gate)
        {
            long end = piece;
            long more = 0;
            for (; end <= last && _seenIn[end] != _look; end++)
            {
                if (_seenIn[end] == 0) more += PieceBytes;
            }

            if (end == piece) return; // another thread was first
            if (_held + more > _limit)
                throw new Kernel.KernelWalkException("memory", $"more than {_limit >> 20} MiB of RAM that cannot be mapped would have to be held at once");
            long start = piece << PieceShift;
            Ram.Read(start, new Span<byte>(_bytes + start, (int)(Math.Min(end << PieceShift, Length) - start)));
            Volatile.Write(ref _held, _held + more);
            for (; piece < end; piece++) Volatile.Write(ref _seenIn[piece], _look);
        }
    }

    private static void* Reserve(nuint length)
    {
        void* start = Map(null, length, ReadWrite, PrivateAnonymousNoReserve, -1, 0);
        if (start == (void*)-1)
            throw new GuestRamLostException($"{length} bytes of address space for RAM that cannot be mapped are not to be had.", new IOException(Marshal.GetLastPInvokeErrorMessage()));
        // A huge page would take up memory for pieces that nobody asked for; a core dump must not hold the guest's secrets, nor a child its page tables.
        foreach (int advice in (ReadOnlySpan<int>)[NoHugePage, DontDump, DontFork]) _ = Advise(start, length, advice);
        return start;
    }

    // mmap(2), madvise(2): x86-64.
    private const int ReadWrite = 3, PrivateAnonymousNoReserve = 0x2 | 0x20 | 0x4000;
    private const int DontNeed = 4, DontFork = 10, NoHugePage = 15, DontDump = 16;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
