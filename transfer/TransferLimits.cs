namespace Watari.Transfer;

/// <summary>
/// Bounds on everything that a peer can announce or send, and on how long it may take: a hostile or hung peer costs no
/// more than this.
/// </summary>
public sealed record TransferLimits
{
    public static TransferLimits Default { get; } = new();

    /// <summary>Pages of one transfer, zero pages included.</summary>
    public PageCount MaxPages { get; init; } = new(64L << 30 >> 12);

    /// <summary>Runs of one transfer: what the index of the store may grow to (24 bytes each).</summary>
    public int MaxRuns { get; init; } = 16 << 20;

    public int MaxAddressSpaces { get; init; } = 65_536;

    public int MaxStreams { get; init; } = 16;

    public int MaxBlobs { get; init; } = 65_536;

    /// <summary>Bytes of a blob's name in UTF-8.</summary>
    public int MaxNameBytes { get; init; } = 255;

    /// <summary>Bytes of all blobs of a transfer together.</summary>
    public long MaxBlobBytes { get; init; } = 512L << 20;

    /// <summary>How long a connection may take to say hello, and a peer to answer it.</summary>
    public TimeSpan HelloTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a reception waits until all streams of its source are connected.</summary>
    public TimeSpan ArrivalTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long one read or write of at most a batch (about 2 MiB) may take.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
