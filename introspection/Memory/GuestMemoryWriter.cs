using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Memory;

/// <summary>
/// The right to write guest RAM, apart from the right to read it: made from a writable mapping by whoever mapped it, and
/// handed only to the few that write (freezer, memory writer).
/// </summary>
public sealed class GuestMemoryWriter
{
    private static readonly byte[] s_zeroes = new byte[64 << 10];

    private readonly GuestSegmentMap _map;

    public GuestMemoryWriter(params IEnumerable<GuestMemorySegment> segments) => _map = new GuestSegmentMap(segments);

    /// <exception cref="GuestMemoryException">Not all of it is RAM; nothing was written.</exception>
    /// <exception cref="GuestRamLostException">The hypervisor has ended, and RAM that was its own with it.</exception>
    public void Write(GuestPhysicalAddress address, ReadOnlySpan<byte> bytes)
    {
        if (!_map.IsMapped && _map.TryFindSegment(address.Value, (ulong)bytes.Length, out GuestMemorySegment segment, out long offset) && segment.Shadow is { } shadow) shadow.Write(offset, bytes);
        else bytes.CopyTo(Mapped(address, bytes.Length));
    }

    /// <inheritdoc cref="Write(GuestPhysicalAddress, ReadOnlySpan{byte})"/>
    public void Write<T>(GuestPhysicalAddress address, T value) where T : unmanaged => Write(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Writes zeroes.</summary>
    /// <inheritdoc cref="Write(GuestPhysicalAddress, ReadOnlySpan{byte})"/>
    public void Clear(GuestPhysicalAddress address, int length)
    {
        if (!_map.IsMapped && _map.TryFindSegment(address.Value, (ulong)length, out GuestMemorySegment segment, out long offset) && segment.Shadow is { } shadow)
        {
            for (int done = 0; done < length; done += s_zeroes.Length)
                shadow.Write(offset + done, s_zeroes.AsSpan(0, Math.Min(s_zeroes.Length, length - done)));
        }
        else
        {
            Mapped(address, length).Clear();
        }
    }

    private Span<byte> Mapped(GuestPhysicalAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ref byte found = ref _map.Find(address.Value, (ulong)length);
        if (Unsafe.IsNullRef(ref found)) throw new GuestMemoryException(address, length);
        return MemoryMarshal.CreateSpan(ref found, length);
    }
}
