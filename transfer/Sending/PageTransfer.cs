using System.Net;

namespace Watari.Transfer;

/// <summary>One transfer as the source host describes it.</summary>
public sealed record PageTransfer
{
    /// <summary>Where the destination host's <see cref="PageReceiver"/> listens: an address, or a name and a port.</summary>
    public required EndPoint Destination { get; init; }

    public required JobId Job { get; init; }

    public required Epoch Epoch { get; init; }

    public required IPageSource Pages { get; init; }

    /// <summary>Sent before any page, in this order.</summary>
    public IReadOnlyList<MetadataBlob> Metadata { get; init; } = [];

    /// <summary>Parallel TCP streams, from 1 to <see cref="TransferLimits.MaxStreams"/>.</summary>
    public int Streams { get; init; } = 2;

    public TransferLimits Limits { get; init; } = TransferLimits.Default;
}
