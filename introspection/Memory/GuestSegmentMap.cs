using System.Runtime.CompilerServices;

namespace Watari.Introspection.Memory;

/// <summary>
/// From a guest-physical address to the byte in this process. The one place with raw pointers: every access to guest RAM,
/// read or write, passes this bounds check, so no address that a guest makes up leads out of its RAM.
/// </summary>
internal sealed unsafe class GuestSegmentMap
{
    private readonly GuestMemorySegment[] _segments;
    private readonly byte* _first;
    private readonly ulong _firstStart;
    private readonly ulong _firstLength; // 0 where it is not mapped: what has to be loaded first takes the longer way
    private readonly int _others;

    public GuestSegmentMap(IEnumerable<GuestMemorySegment> segments)
    {
        _segments = [.. segments.OrderBy(segment => segment.Start)];
        if (_segments.Length == 0) throw new ArgumentException("A guest has at least one segment of RAM.", nameof(segments));
        for (int i = 0; i < _segments.Length; i++)
        {
            GuestMemorySegment segment = _segments[i];
            if (segment.Pointer == 0 || segment.Length <= 0 || segment.End < segment.Start)
                throw new ArgumentException($"RAM segment {i} at {segment.Start} has no memory or an impossible length of {segment.Length}.", nameof(segments));
            if (i > 0 && _segments[i - 1].End > segment.Start)
                throw new ArgumentException($"RAM segments overlap at {segment.Start}.", nameof(segments));
        }

        IsMapped = _segments.All(segment => segment.Shadow is null);
        _first = (byte*)_segments[0].Pointer;
        _firstStart = _segments[0].Start.Value;
        _firstLength = _segments[0].Shadow is null ? (ulong)_segments[0].Length : 0;
        _others = _segments[0].Shadow is null ? 1 : 0;
    }

    public ReadOnlySpan<GuestMemorySegment> Segments => _segments;

    /// <summary>All of it lies in this process, shared with the guest.</summary>
    public bool IsMapped { get; }

    /// <summary>The byte at <paramref name="address"/> if it and the <paramref name="length"/>-1 bytes after it are RAM of one segment; else a null reference.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref byte Find(ulong address, ulong length)
    {
        // Nearly all of a guest's memory is in the first segment (below the PCI hole), so it is checked without a loop.
        ulong offset = unchecked(address - _firstStart);
        if (offset < _firstLength && length <= _firstLength - offset) return ref _first[offset];
        return ref FindBeyondFirst(address, length);
    }

    /// <summary>The segment that holds all of these bytes; nothing of it is loaded or touched.</summary>
    public bool TryFindSegment(ulong address, ulong length, out GuestMemorySegment found, out long offset)
    {
        foreach (ref readonly GuestMemorySegment segment in _segments.AsSpan())
        {
            ulong within = unchecked(address - segment.Start.Value);
            if (within >= (ulong)segment.Length || length > (ulong)segment.Length - within) continue;
            found = segment;
            offset = (long)within;
            return true;
        }

        found = default;
        offset = 0;
        return false;
    }

    private ref byte FindBeyondFirst(ulong address, ulong length)
    {
        for (int i = _others; i < _segments.Length; i++)
        {
            ref readonly GuestMemorySegment segment = ref _segments[i];
            ulong offset = unchecked(address - segment.Start.Value);
            if (offset < (ulong)segment.Length && length <= (ulong)segment.Length - offset)
            {
                segment.Shadow?.Load(offset, length);
                return ref ((byte*)segment.Pointer)[offset];
            }
        }

        return ref Unsafe.NullRef<byte>();
    }
}
