using System.Runtime.InteropServices;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// Room outside the managed heap into which a frozen workload's pages are copied while its VM stands still, so that the VM can run
/// on while they travel: the guest's kernel moves pages, even those of frozen tasks. It is made, and its pages made present, before
/// the freeze.
/// </summary>
internal sealed unsafe class StagingMemory : IDisposable
{
    // Pointers, because a span cannot hold more than 2 GiB and the sender needs memory that does not move.
    private const int PageSize = 4096;
    private byte* _start;
    private long _used;

    public StagingMemory(long capacity)
    {
        Capacity = (capacity + PageSize - 1) / PageSize * PageSize;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(Capacity, PageSize), PageSize);
        for (long at = 0; at < Capacity; at += PageSize) _start[at] = 0;
    }

    public long Capacity { get; }

    /// <summary>Copies the bytes behind those that are there already.</summary>
    /// <returns>Where they begin.</returns>
    /// <exception cref="InvalidOperationException">There is no room for them.</exception>
    public long Append(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        if (bytes.Length > Capacity - _used) throw new InvalidOperationException($"{bytes.Length} bytes do not fit behind {_used} of {Capacity}.");
        bytes.CopyTo(new Span<byte>(_start + _used, bytes.Length));
        long at = _used;
        _used += bytes.Length;
        return at;
    }

    /// <summary>Bytes that were appended; they do not move until this is disposed.</summary>
    public ReadOnlySpan<byte> At(long offset, int length)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + length, _used);
        return new ReadOnlySpan<byte>(_start + offset, length);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
