using Watari.Transfer.Receiving;

namespace Watari.Transfer;

/// <summary>
/// Pages that were received, outside the managed heap, found by address space and page number. It takes as much memory
/// as the normal pages have, and gives it back when disposed.
/// </summary>
/// <example>
/// <code>
/// foreach (StoredPages run in store.Runs(space))
///     if (run.IsZero) writer.Clear(run.First, run.Count);
///     else writer.Write(run.First, run.Contents);
/// </code>
/// </example>
public sealed class PageStore : IDisposable
{
    private readonly AnonymousMemory _memory;
    private readonly ReadOnlyMemory<StoredRun> _runs;
    private readonly Dictionary<AddressSpaceId, PageDigest> _digests;
    private readonly Dictionary<AddressSpaceId, Range> _ranges = [];

    internal PageStore(AnonymousMemory memory, ReadOnlyMemory<StoredRun> sorted, Dictionary<AddressSpaceId, PageDigest> digests, PageCount normal, PageCount zero)
    {
        _memory = memory;
        _runs = sorted;
        _digests = digests;
        Normal = normal;
        Zero = zero;
        ReadOnlySpan<StoredRun> runs = sorted.Span;
        List<AddressSpaceId> spaces = [];
        for (int start = 0; start < runs.Length;)
        {
            int end = start + 1;
            while (end < runs.Length && runs[end].Space == runs[start].Space) end++;
            _ranges[runs[start].Space] = start..end;
            spaces.Add(runs[start].Space);
            start = end;
        }
        Spaces = spaces;
    }

    /// <summary>The address spaces that pages were received for, in ascending order.</summary>
    public IReadOnlyList<AddressSpaceId> Spaces { get; }

    /// <summary>Pages held as bytes.</summary>
    public PageCount Normal { get; }

    /// <summary>Pages known to be zero.</summary>
    public PageCount Zero { get; }

    /// <summary>The source's digest over the normal pages of an address space: what a writer must arrive at too.</summary>
    public PageDigest DigestOf(AddressSpaceId space) => _digests.GetValueOrDefault(space);

    /// <summary>The runs of an address space in ascending order, none longer than 1 GiB; none when nothing was received for it.</summary>
    public RunSequence Runs(AddressSpaceId space)
    {
        ObjectDisposedException.ThrowIf(_memory.IsClosed, this);
        return new RunSequence(_memory, _ranges.TryGetValue(space, out Range range) ? _runs[range] : default);
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>Enumerates runs without allocating.</summary>
    public readonly struct RunSequence
    {
        private readonly AnonymousMemory _memory;
        private readonly ReadOnlyMemory<StoredRun> _runs;

        internal RunSequence(AnonymousMemory memory, ReadOnlyMemory<StoredRun> runs)
        {
            _memory = memory;
            _runs = runs;
        }

        public int Count => _runs.Length;

        public StoredPages this[int index] => new(_memory, _runs.Span[index]);

        public Enumerator GetEnumerator() => new(this);
    }

    public struct Enumerator(RunSequence runs)
    {
        private int _index = -1;

        public readonly StoredPages Current => runs[_index];

        public bool MoveNext() => ++_index < runs.Count;
    }
}
