using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Memory;

/// <summary>
/// The right to write guest RAM, apart from the right to read it: made from a writable mapping by whoever mapped it, and
/// handed only to the few that write (freezer, memory writer).
/// </summary>
public sealed class GuestMemoryWriter
{
    private readonly GuestSegmentMap _map;

    public GuestMemoryWriter(params IEnumerable<GuestMemorySegment> segments) => _map = new GuestSegmentMap(segments);

    /// <summary>The bytes at <paramref name="address"/>, in place and writable.</summary>
    /// <exception cref="GuestMemoryException">Not all of them are RAM.</exception>
    public Span<byte> Span(GuestPhysicalAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ref byte found = ref _map.Find(address.Value, (ulong)length);
        if (Unsafe.IsNullRef(ref found)) throw new GuestMemoryException(address, length);
        return MemoryMarshal.CreateSpan(ref found, length);
    }

    public void Write(GuestPhysicalAddress address, ReadOnlySpan<byte> bytes) => bytes.CopyTo(Span(address, bytes.Length));

    public void Write<T>(GuestPhysicalAddress address, T value) where T : unmanaged =>
        Unsafe.WriteUnaligned(ref MemoryMarshal.GetReference(Span(address, Unsafe.SizeOf<T>())), value);
}
