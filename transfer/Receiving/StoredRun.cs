namespace Watari.Transfer.Receiving;

/// <summary>An entry of the store's index: consecutive pages of an address space that lie consecutively in the store.</summary>
internal readonly record struct StoredRun(AddressSpaceId Space, uint Count, VirtualPage First, long StorePage) : IComparable<StoredRun>
{
    /// <summary>In place of a place in the store: the pages are zero.</summary>
    public const long Zero = -1;

    // 1 GiB: a run can always be handed out as one span.
    private const uint MaxCount = 1 << 18;

    public bool IsZero => StorePage == Zero;

    public VirtualPage End => First + Count;

    public int CompareTo(StoredRun other)
    {
        int order = Space.CompareTo(other.Space);
        return order != 0 ? order : First.CompareTo(other.First);
    }

    /// <summary>Whether <paramref name="next"/> goes on where this run ends, here and in the store.</summary>
    public bool IsContinuedBy(in StoredRun next) =>
        Space == next.Space && End == next.First && Count + next.Count <= MaxCount
        && (IsZero ? next.IsZero : next.StorePage == StorePage + Count);

    public StoredRun Joined(in StoredRun next) => this with { Count = Count + next.Count };
}
