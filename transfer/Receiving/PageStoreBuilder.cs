namespace Watari.Transfer.Receiving;

/// <summary>A store that is being filled by several streams at once, each in places that it reserved.</summary>
internal sealed class PageStoreBuilder(TransferLimits limits) : IDisposable
{
    private readonly AnonymousMemory _memory = new(limits.MaxPages);
    private PageCount _announced;
    private volatile bool _disposed;
    private long _normal;
    private long _zero;
    private int _runs;
    private bool _sealed;

    /// <summary>Keeps the memory mapped for a thread that writes into it, whatever happens to the reception meanwhile.</summary>
    /// <returns>To be disposed by the thread.</returns>
    public Hold KeepMapped() => new(_memory);

    /// <summary>Makes the first pages present before they are received. Takes its time: for a thread of its own.</summary>
    public void Populate(PageCount pages)
    {
        try
        {
            using Hold mapped = KeepMapped();
            _memory.Populate(pages, () => _disposed);
        }
        catch (ObjectDisposedException)
        {
            // The reception has ended already.
        }
    }

    /// <summary>Sets what the streams may bring together; before the first of them.</summary>
    public void Announce(PageCount pages) => _announced = pages;

    /// <summary>Makes room for a batch.</summary>
    /// <returns>The place of its first normal page in the store.</returns>
    public long Reserve(int normal, long zero)
    {
        long end = Interlocked.Add(ref _normal, normal);
        long zeroes = Interlocked.Add(ref _zero, zero);
        if (end + zeroes > _announced.Value)
            throw new TransferException(TransferFailure.LimitExceeded, $"The source announced {_announced} and sends more.");
        return end - normal;
    }

    public Span<byte> Pages(long first, int count) => _memory.Pages(first, count);

    public void CountRun()
    {
        if (Interlocked.Increment(ref _runs) > limits.MaxRuns)
            throw new TransferException(TransferFailure.LimitExceeded, $"The source's pages are scattered over more than {limits.MaxRuns} runs.");
    }

    /// <summary>The finished store, once all streams have ended.</summary>
    public PageStore Seal(IEnumerable<RunIndex> indexes, IEnumerable<SpaceDigests> digests)
    {
        StoredRun[] runs = new StoredRun[_runs];
        int count = 0;
        foreach (RunIndex index in indexes)
        {
            index.Runs.CopyTo(runs.AsSpan(count));
            count += index.Count;
        }
        Array.Sort(runs, 0, count);
        count = JoinSorted(runs.AsSpan(0, count));

        Dictionary<AddressSpaceId, PageDigest> sums = [];
        foreach (SpaceDigests stream in digests)
        {
            foreach ((AddressSpaceId space, PageDigest digest) in stream.Digests)
                sums[space] = sums.GetValueOrDefault(space) + digest;
        }
        if (sums.Count > limits.MaxAddressSpaces)
            throw new TransferException(TransferFailure.LimitExceeded, $"The source sends more than {limits.MaxAddressSpaces} address spaces.");
        _sealed = true;
        return new PageStore(_memory, runs.AsMemory(0, count), sums, new PageCount(_normal), new PageCount(_zero));
    }

    public void Dispose()
    {
        _disposed = true;
        if (!_sealed) _memory.Dispose();
    }

    private static int JoinSorted(Span<StoredRun> runs)
    {
        int kept = 0;
        for (int i = 1; i < runs.Length; i++)
        {
            ref StoredRun last = ref runs[kept];
            if (last.Space == runs[i].Space && runs[i].First < last.End)
                throw new TransferException(TransferFailure.ProtocolViolation, $"The source sends {runs[i].First} of {runs[i].Space} twice.");
            if (last.IsContinuedBy(runs[i])) last = last.Joined(runs[i]);
            else runs[++kept] = runs[i];
        }
        return runs.IsEmpty ? 0 : kept + 1;
    }

    internal readonly struct Hold : IDisposable
    {
        private readonly AnonymousMemory _memory;

        public Hold(AnonymousMemory memory)
        {
            bool held = false;
            memory.DangerousAddRef(ref held);
            _memory = memory;
        }

        public void Dispose() => _memory.DangerousRelease();
    }
}
