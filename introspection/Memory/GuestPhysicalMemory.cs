using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Memory;

/// <summary>
/// A guest's RAM, to be read by guest-physical address, in place. A running guest may change what a span shows while one
/// looks at it: copy what must not change between two looks. There is no writing here; see <see cref="GuestMemoryWriter"/>.
/// </summary>
/// <remarks>
/// RAM that cannot be mapped is held as it was read until <see cref="Refresh"/>. Reading it may fail with a <see cref="GuestRamLostException"/> at any time.
/// </remarks>
public sealed class GuestPhysicalMemory
{
    /// <summary>From so many bytes on it takes longer to map pages, which are looked at for the first time, than to have them copied.</summary>
    private const int MuchBytes = 16 * GuestPage.Size;

    private readonly GuestSegmentMap _map;

    public GuestPhysicalMemory(params IEnumerable<GuestMemorySegment> segments)
    {
        _map = new GuestSegmentMap(segments);
        End = _map.Segments[^1].End;
    }

    /// <summary>The stretches of RAM, by rising address.</summary>
    public ReadOnlySpan<GuestMemorySegment> Segments => _map.Segments;

    /// <summary>The address after the last byte of RAM.</summary>
    public GuestPhysicalAddress End { get; }

    /// <summary>Bytes of RAM from an address to the end of its stretch; 0 if no RAM is there.</summary>
    public ulong BytesFrom(GuestPhysicalAddress address)
    {
        foreach (GuestMemorySegment segment in Segments)
        {
            if (segment.Start <= address && address < segment.End) return segment.End - address;
        }

        return 0;
    }

    /// <summary>All of it lies in this process, and shows what the guest has at each moment.</summary>
    public bool IsMapped => _map.IsMapped;

    /// <summary>
    /// From here on nothing is read that is older than this call. To be called whenever the guest may have run since the last one: after it was
    /// stopped, and before each glance at one that runs; with a kernel, by <see cref="Kernel.GuestKernel.Refresh"/>.
    /// </summary>
    public void Refresh()
    {
        if (IsMapped) return;
        foreach (GuestMemorySegment segment in _map.Segments) segment.Shadow?.Refresh();
    }

    /// <summary>Gives back memory that was needed to look at RAM that cannot be mapped. Nobody may read meanwhile, or hold a span from before.</summary>
    public void GiveBack()
    {
        foreach (GuestMemorySegment segment in _map.Segments) segment.Shadow?.GiveBack();
    }

    /// <summary>The bytes at <paramref name="address"/>, in place.</summary>
    /// <exception cref="GuestMemoryException">Not all of them are RAM.</exception>
    public ReadOnlySpan<byte> Span(GuestPhysicalAddress address, int length)
    {
        if (!TryGetSpan(address, length, out ReadOnlySpan<byte> span)) Throw(address, length);
        return span;
    }

    public bool TryGetSpan(GuestPhysicalAddress address, int length, out ReadOnlySpan<byte> span)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ref byte found = ref _map.Find(address.Value, (ulong)length);
        if (Unsafe.IsNullRef(ref found))
        {
            span = default;
            return false;
        }

        span = MemoryMarshal.CreateReadOnlySpan(ref found, length);
        return true;
    }

    /// <summary>
    /// Copies what lies at <paramref name="address"/>. Of RAM that cannot be mapped, a page or more is read from the guest itself and kept nowhere else;
    /// less than that is taken from what is held of it, for its neighbours are likely to be asked for. Much of RAM that is mapped is copied past
    /// the mapping, so that pages that are wanted once need no place in it.
    /// </summary>
    /// <exception cref="GuestMemoryException">Not all of it is RAM.</exception>
    public void Copy(GuestPhysicalAddress address, Span<byte> destination)
    {
        if (!TryCopy(address, destination)) Throw(address, destination.Length);
    }

    /// <inheritdoc cref="Copy"/>
    /// <returns>False where not all of it is RAM.</returns>
    public bool TryCopy(GuestPhysicalAddress address, Span<byte> destination)
    {
        if (destination.Length >= (IsMapped ? MuchBytes : GuestPage.Size)
            && _map.TryFindSegment(address.Value, (ulong)destination.Length, out GuestMemorySegment segment, out long offset)
            && segment.Copied is { } ram)
        {
            ram.Read(offset, destination);
            return true;
        }

        if (!TryGetSpan(address, destination.Length, out ReadOnlySpan<byte> span)) return false;
        span.CopyTo(destination);
        return true;
    }

    /// <summary>A value of the guest's (little-endian) memory.</summary>
    /// <exception cref="GuestMemoryException">It is not all in RAM.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Read<T>(GuestPhysicalAddress address) where T : unmanaged
    {
        if (!TryRead(address, out T value)) Throw(address, Unsafe.SizeOf<T>());
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRead<T>(GuestPhysicalAddress address, out T value) where T : unmanaged
    {
        ref byte found = ref _map.Find(address.Value, (ulong)Unsafe.SizeOf<T>());
        if (Unsafe.IsNullRef(ref found))
        {
            value = default;
            return false;
        }

        value = Unsafe.ReadUnaligned<T>(ref found);
        return true;
    }

    [DoesNotReturn]
    private static void Throw(GuestPhysicalAddress address, long length) => throw new GuestMemoryException(address, length);
}
