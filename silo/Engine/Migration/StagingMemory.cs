using System.Runtime.InteropServices;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// Room outside the managed heap into which a frozen workload's pages are copied while its VM stands still, so that the VM can run
/// on while they travel: the guest's kernel moves pages, even those of frozen tasks. The room that is foreseen is made, and its
/// pages made present, before the freeze; more is made as it is needed.
/// </summary>
internal sealed unsafe class StagingMemory : IDisposable
{
    // Pointers, because the sender needs memory that does not move.
    private const int PageSize = 4096;
    private readonly List<nint> _blocks = [];
    private int _block;
    private int _used;
    private bool _disposed;

    public StagingMemory(long foreseen)
    {
        for (long made = 0; made < foreseen; made += BlockBytes) AddBlock();
    }

    /// <summary>The most that can be appended at once.</summary>
    public const int BlockBytes = 8 << 20;

    /// <summary>Copies the bytes, which are no more than <see cref="BlockBytes"/>.</summary>
    /// <returns>The copy; it does not move until this is disposed.</returns>
    public ReadOnlySpan<byte> Append(ReadOnlySpan<byte> bytes)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, BlockBytes);
        if (bytes.Length > BlockBytes - _used)
        {
            _block++;
            _used = 0;
        }

        if (_block == _blocks.Count) AddBlock();
        Span<byte> copy = new((byte*)_blocks[_block] + _used, bytes.Length);
        bytes.CopyTo(copy);
        _used += bytes.Length;
        return copy;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (nint block in _blocks) NativeMemory.AlignedFree((void*)block);
    }

    private void AddBlock()
    {
        byte* block = (byte*)NativeMemory.AlignedAlloc(BlockBytes, PageSize);
        _blocks.Add((nint)block);
        for (int at = 0; at < BlockBytes; at += PageSize) block[at] = 0;
    }
}
