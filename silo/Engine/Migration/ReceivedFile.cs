using Watari.Checkpoint.Restore;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>An image file of pages as it was received; adds up what the guest holds of it. It has no holes.</summary>
internal sealed class ReceivedFile : ILandingContents
{
    private static readonly byte[] s_zeroes = new byte[512 << 10];

    private readonly AddressSpaceId _space;
    private readonly PageStore.RunSequence _runs;
    private readonly PageDigest _expected;

    public ReceivedFile(PageStore store, AddressSpaceId space)
    {
        _space = space;
        _runs = store.Runs(space);
        _expected = store.DigestOf(space);
        foreach (StoredPages run in _runs)
        {
            if (run.First.Number != (ulong)Length.Value)
                throw new TransferException(TransferFailure.ProtocolViolation, $"Page {Length.Value} of a file of pages did not come.");
            Length += run.Count;
        }
    }

    public PageCount Length { get; }

    /// <summary>Over all normal pages that were read back from the guest so far.</summary>
    public PageDigest Digest { get; private set; }

    /// <summary>What that must come to.</summary>
    public PageDigest Expected => _expected;

    public ReadOnlySpan<byte> From(long page, long pages)
    {
        int at = IndexOf(page);
        if (at < 0) return default;
        StoredPages run = _runs[at];
        long skip = page - (long)run.First.Number;
        int bytes = (int)new PageCount(Math.Min(pages, run.Count.Value - skip)).Bytes;
        return run.IsZero ? s_zeroes.AsSpan(0, Math.Min(bytes, s_zeroes.Length)) : run.Contents.Slice((int)new PageCount(skip).Bytes, bytes);
    }

    public void ReadBack(long page, ReadOnlySpan<byte> contents)
    {
        // Pages of zeroes have no part in the source's hash.
        if (!_runs[IndexOf(page)].IsZero) Digest = Digest.WithRun(_space, new VirtualPage((ulong)page), contents);
    }

    /// <summary>It will be written, and read back, from its beginning.</summary>
    public void Restart() => Digest = default;

    public byte[] ToArray()
    {
        byte[] contents = new byte[Length.Bytes];
        foreach (StoredPages run in _runs)
        {
            if (!run.IsZero) run.Contents.CopyTo(contents.AsSpan((int)(run.First.Number * PageCount.Size)));
        }

        return contents;
    }

    private int IndexOf(long page)
    {
        int low = 0;
        for (int high = _runs.Count; low < high;)
        {
            int middle = (low + high) / 2;
            if ((long)_runs[middle].First.Number + _runs[middle].Count.Value <= page) low = middle + 1;
            else high = middle;
        }

        return low < _runs.Count ? low : -1;
    }
}
