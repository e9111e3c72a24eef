using Watari.Transfer.Receiving;

namespace Watari.Transfer;

/// <summary>Consecutive pages of an address space as they lie in a <see cref="PageStore"/>; valid until that is disposed.</summary>
public readonly ref struct StoredPages
{
    internal StoredPages(AnonymousMemory memory, in StoredRun run)
    {
        First = run.First;
        Count = new PageCount(run.Count);
        IsZero = run.IsZero;
        Contents = run.IsZero ? default : memory.Pages(run.StorePage, (int)run.Count);
    }

    public VirtualPage First { get; }

    public PageCount Count { get; }

    /// <summary>The pages are zero at the source: there are no bytes to them.</summary>
    public bool IsZero { get; }

    /// <summary>The bytes, page after page; empty for zero pages.</summary>
    public ReadOnlySpan<byte> Contents { get; }
}
