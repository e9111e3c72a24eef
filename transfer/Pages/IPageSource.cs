namespace Watari.Transfer;

/// <summary>The pages that a transfer sends, handed out once, in any order, as runs that the sender reads in place.</summary>
public interface IPageSource
{
    /// <summary>How many pages it will hand out at most, zero pages included. The receiver makes room for no more.</summary>
    PageCount Pages { get; }

    /// <summary>Fills <paramref name="runs"/> from its start with the next runs.</summary>
    /// <returns>How many runs were filled in; 0 once all have been handed out.</returns>
    /// <remarks>Called from the sender's threads, never by two at once. A page must not be handed out twice.</remarks>
    int Take(Span<PageRun> runs);
}
