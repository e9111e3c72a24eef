using Watari.Checkpoint.Restore;
using Watari.Introspection.Memory;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>The pages that were received for one process, or those of them that are still to be written; adds up what the guest holds of them.</summary>
internal sealed class ReceivedMemory : IPagesToWrite
{
    private readonly AddressSpaceId _space;
    private readonly PageStore.RunSequence _stored;
    private List<Part> _parts;

    public ReceivedMemory(PageStore store, AddressSpaceId space)
    {
        _space = space;
        _stored = store.Runs(space);
        _parts = [.. Enumerable.Range(0, _stored.Count).Select(i => new Part(i, 0, _stored[i].Count.Value))];
    }

    /// <summary>Over all normal pages that were read back from the guest so far.</summary>
    public PageDigest Digest { get; private set; }

    public int Runs => _parts.Count;

    public PagesToWrite this[int run]
    {
        get
        {
            Part part = _parts[run];
            StoredPages stored = _stored[part.Run];
            ReadOnlySpan<byte> contents = stored.IsZero
                ? default
                : stored.Contents.Slice((int)(part.Skip * Transfer.PageCount.Size), (int)(part.Count * Transfer.PageCount.Size));
            return new PagesToWrite(AddressOf(stored.First + part.Skip), new Introspection.Memory.PageCount(part.Count), contents);
        }
    }

    public void ReadBack(GuestVirtualAddress start, ReadOnlySpan<byte> contents) =>
        Digest = Digest.WithRun(_space, new VirtualPage(start.Value / Transfer.PageCount.Size), contents);

    /// <summary>Leaves only the pages of these ranges to be written; they lie within what there was, by address.</summary>
    public void Keep(IReadOnlyList<GuestVirtualRange> ranges)
    {
        List<Part> kept = [];
        int next = 0;
        foreach (GuestVirtualRange range in ranges)
        {
            while (next < _parts.Count && End(_parts[next]) <= range.Start) next++;
            for (int i = next; i < _parts.Count && Start(_parts[i]) < range.End; i++)
            {
                Part part = _parts[i];
                long from = Math.Max(0, PagesBetween(Start(part), range.Start));
                long to = Math.Min(part.Count, PagesBetween(Start(part), range.End));
                if (from < to) kept.Add(new Part(part.Run, part.Skip + from, to - from));
            }
        }

        _parts = kept;
    }

    private GuestVirtualAddress Start(Part part) => AddressOf(_stored[part.Run].First + part.Skip);

    private GuestVirtualAddress End(Part part) => AddressOf(_stored[part.Run].First + part.Skip + part.Count);

    private static long PagesBetween(GuestVirtualAddress from, GuestVirtualAddress to) => (long)(to.Value - from.Value) / Transfer.PageCount.Size;

    private static GuestVirtualAddress AddressOf(VirtualPage page) => new(page.Number * Transfer.PageCount.Size);

    /// <param name="Run">Index of the stored run.</param>
    /// <param name="Skip">Its pages before the part.</param>
    /// <param name="Count">Pages of the part.</param>
    private readonly record struct Part(int Run, long Skip, long Count);
}
