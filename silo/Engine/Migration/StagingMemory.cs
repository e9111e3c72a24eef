using System.Globalization;
using System.Runtime.InteropServices;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// Room outside the managed heap into which a frozen workload's pages are copied while its VM stands still, so that the VM can run
/// on while they travel: the guest's kernel moves pages, even those of frozen tasks. The room that is foreseen is made, and its
/// pages made present, before the freeze; more is made as it is needed, up to what the host can spare: a guest may map one page a
/// thousand times.
/// </summary>
internal sealed unsafe class StagingMemory : IDisposable
{
    // Pointers, because the sender needs memory that does not move.
    private const int PageSize = 4096;
    private readonly List<nint> _blocks = [];
    private int _block;
    private int _used;
    private readonly long _most = AvailableBytes() - Reserve;
    private bool _disposed;

    /// <summary>Bytes that the host's other programs are left.</summary>
    private const long Reserve = 256L << 20;

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: the host has not that much memory to spare.</exception>
    public StagingMemory(long foreseen)
    {
        if (foreseen > _most) throw TooLittle(foreseen);
        for (long made = 0; made < foreseen; made += BlockBytes) AddBlock();
    }

    /// <summary>The most that can be appended at once.</summary>
    public const int BlockBytes = 8 << 20;

    /// <summary>Copies the bytes, which are no more than <see cref="BlockBytes"/>.</summary>
    /// <returns>The copy; it does not move until this is disposed.</returns>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: the host has no more memory to spare.</exception>
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
        long needed = (_blocks.Count + 1L) * BlockBytes;
        if (needed > _most + BlockBytes) throw TooLittle(needed);
        byte* block = (byte*)NativeMemory.AlignedAlloc(BlockBytes, PageSize);
        _blocks.Add((nint)block);
        for (int at = 0; at < BlockBytes; at += PageSize) block[at] = 0;
    }

    private EngineException TooLittle(long bytes) => new(
        FailureKind.Refused,
        $"The memory of what is frozen is copied on its host first: {bytes >> 20} MiB or more, and this host has {Math.Max(_most, 0) >> 20} MiB to spare; free memory on it, and try again.");

    /// <summary>MemAvailable (proc_meminfo(5)).</summary>
    public static long AvailableBytes() =>
        long.Parse(File.ReadLines("/proc/meminfo").First(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal))[13..^3], CultureInfo.InvariantCulture) << 10;
}
