using System.Runtime.InteropServices;
using Watari.Transfer.Sockets;
using Watari.Transfer.Wire;

namespace Watari.Transfer.Sending;

/// <summary>
/// Gathers a batch: looks at each page once, while it is in the cache names it as zero or hashes it, and notes where it
/// lies. Nothing is copied and nothing allocated.
/// </summary>
internal sealed unsafe class BatchBuilder
{
    private readonly PageRun[] _source = new PageRun[Batch.MaxPages];
    // Pinned: a vector points into it.
    private readonly byte[] _head = GC.AllocateUninitializedArray<byte>(FrameHeader.Size + Batch.MaxRuns * WireRun.Size, pinned: true);
    private readonly Libc.IoVec[] _vectors = new Libc.IoVec[1 + Batch.MaxPages];
    private int _runs;
    private int _pieces;
    private long _normal;
    private long _zero;

    public long Normal => _normal;

    public long Zero => _zero;

    public long Bytes => FrameHeader.Size + _runs * WireRun.Size + _normal * PageCount.Size;

    /// <summary>The batch in pieces, ready to be written; it uses them up.</summary>
    public Span<Libc.IoVec> Pieces => _vectors.AsSpan(0, 1 + _pieces);

    private Span<WireRun> Runs => MemoryMarshal.Cast<byte, WireRun>(_head.AsSpan(FrameHeader.Size));

    /// <summary>Builds the next batch and adds it to <paramref name="totals"/>.</summary>
    /// <returns>Whether there was anything left to send.</returns>
    public bool Fill(RunDivider pages, ref StreamTotals totals)
    {
        _runs = _pieces = 0;
        _normal = _zero = 0;
        PageDigest digest = totals.Pages;
        while (_normal < Batch.MaxPages && _runs <= Batch.MaxRuns - Batch.MaxPages && _zero < Batch.MaxScanned)
        {
            int taken = pages.Take(_source, Batch.MaxPages - _normal);
            if (taken == 0) break;
            foreach (ref readonly PageRun run in _source.AsSpan(0, taken))
                Scan(run, ref digest);
        }
        if (_runs == 0) return false;

        PageDigest places = totals.Places;
        foreach (ref readonly WireRun run in Runs[.._runs])
        {
            if (run.IsZero) places = places.WithPlaces(run.SpaceId, run.FirstPage, run.Count);
        }
        totals = totals with { Normal = totals.Normal + _normal, Zero = totals.Zero + _zero, Pages = digest, Places = places };
        FrameHeader header = new(FrameKind.Batch, (uint)_runs, _normal);
        MemoryMarshal.Write(_head, in header);
        _vectors[0] = new Libc.IoVec { Base = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_head, 0), Length = (nuint)(FrameHeader.Size + _runs * WireRun.Size) };
        return true;
    }

    private void Scan(in PageRun run, ref PageDigest digest)
    {
        for (long i = 0; i < run.Count.Value; i++)
        {
            ReadOnlySpan<byte> page = run.Page(i);
            bool zero = ZeroPage.IsZero(page);
            Name(run.Space, run.First + i, zero);
            if (zero)
            {
                _zero++;
                continue;
            }
            digest = digest.With(run.Space, run.First + i, page);
            _normal++;
            Point(run.Start + i * PageCount.Size);
        }
    }

    private void Name(AddressSpaceId space, VirtualPage page, bool zero)
    {
        if (_runs > 0)
        {
            ref WireRun last = ref Runs[_runs - 1];
            if (last.Space == space.Value && last.IsZero == zero && last.First + last.Count == page.Number)
            {
                last = last.Grown(1);
                return;
            }
        }
        Runs[_runs++] = new WireRun(space, page, 1, zero);
    }

    private void Point(byte* page)
    {
        ref Libc.IoVec last = ref _vectors[_pieces];
        if (_pieces > 0 && last.Base + last.Length == page) last.Length += PageCount.Size;
        else _vectors[++_pieces] = new Libc.IoVec { Base = page, Length = PageCount.Size };
    }
}
