namespace Watari.Transfer.Receiving;

/// <summary>The digest of the normal pages of each address space that a stream brought. Filled by one thread.</summary>
internal sealed class SpaceDigests(int maxSpaces)
{
    private readonly Dictionary<AddressSpaceId, PageDigest> _digests = [];
    private AddressSpaceId _current;
    private PageDigest _digest;
    private bool _any;

    public IReadOnlyDictionary<AddressSpaceId, PageDigest> Digests
    {
        get
        {
            Keep();
            return _digests;
        }
    }

    /// <summary>The digest to go on with for <paramref name="space"/>; valid until the next call.</summary>
    public ref PageDigest Of(AddressSpaceId space)
    {
        if (!_any || space != _current)
        {
            Keep();
            if (!_digests.TryGetValue(space, out _digest) && _digests.Count == maxSpaces)
                throw new TransferException(TransferFailure.LimitExceeded, $"The source sends more than {maxSpaces} address spaces.");
            _current = space;
            _any = true;
        }
        return ref _digest;
    }

    public PageDigest Sum()
    {
        PageDigest sum = default;
        foreach (PageDigest digest in Digests.Values) sum += digest;
        return sum;
    }

    private void Keep()
    {
        if (_any) _digests[_current] = _digest;
    }
}
