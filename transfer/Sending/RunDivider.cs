namespace Watari.Transfer.Sending;

/// <summary>Deals the runs of one source out to the streams, cut to the size of their batches.</summary>
internal sealed class RunDivider(IPageSource source)
{
    private readonly Lock _lock = new();
    private readonly PageRun[] _taken = new PageRun[256];
    private int _next;
    private int _count;
    private long _handedOut;

    /// <summary>Fills <paramref name="runs"/> from its start with at most <paramref name="maxPages"/> pages.</summary>
    /// <returns>Runs filled in; 0 at the end.</returns>
    public int Take(Span<PageRun> runs, long maxPages)
    {
        lock (_lock)
        {
            int filled = 0;
            while (filled < runs.Length && maxPages > 0 && Refill())
            {
                PageRun run = _taken[_next];
                long pages = Math.Min(run.Count.Value, maxPages);
                runs[filled++] = run.Take(pages);
                maxPages -= pages;
                _handedOut += pages;
                if (pages < run.Count.Value) _taken[_next] = run.Skip(pages);
                else _next++;
            }
            if (_handedOut > source.Pages.Value)
                throw new TransferException(TransferFailure.LimitExceeded, $"The page source announced {source.Pages} and hands out more.");
            return filled;
        }
    }

    private bool Refill()
    {
        if (_next < _count) return true;
        _next = 0;
        _count = source.Take(_taken);
        return _count > 0;
    }
}
