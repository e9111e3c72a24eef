namespace Watari.Transfer;

/// <summary>All that a transfer brought, checked against the source's hashes. Whoever receives it disposes it.</summary>
public sealed class ReceivedPages : IDisposable
{
    internal ReceivedPages(IReadOnlyList<MetadataBlob> metadata, PageStore pages, TransferStatistics statistics)
    {
        Metadata = metadata;
        Pages = pages;
        Statistics = statistics;
    }

    /// <summary>The blobs in the order of the source. Their names come from another host: check one before it becomes a path.</summary>
    public IReadOnlyList<MetadataBlob> Metadata { get; }

    public PageStore Pages { get; }

    public TransferStatistics Statistics { get; }

    public void Dispose() => Pages.Dispose();
}
