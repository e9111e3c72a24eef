namespace Watari.Transfer;

/// <summary>A page source over runs that are known beforehand.</summary>
public sealed class PageRunList : IPageSource
{
    private readonly ReadOnlyMemory<PageRun> _runs;
    private int _next;

    public PageRunList(ReadOnlyMemory<PageRun> runs)
    {
        _runs = runs;
        foreach (ref readonly PageRun run in runs.Span)
            Pages += run.Count;
    }

    public PageCount Pages { get; }

    public int Take(Span<PageRun> runs)
    {
        ReadOnlySpan<PageRun> left = _runs.Span[_next..];
        int count = Math.Min(left.Length, runs.Length);
        left[..count].CopyTo(runs);
        _next += count;
        return count;
    }
}
