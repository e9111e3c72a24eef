namespace Watari.Transfer;

/// <summary>How far a transfer is, in the words of QEMU's <c>query-migrate</c>.</summary>
/// <param name="Transferred">Bytes on the wire so far, metadata and headers included.</param>
/// <param name="Total">Bytes of all announced pages.</param>
/// <param name="Remaining">Bytes of the announced pages that were neither sent nor named as zero yet.</param>
/// <param name="Normal">Pages sent as bytes.</param>
/// <param name="Duplicate">Zero pages: named, not sent.</param>
/// <param name="Metadata">Bytes of metadata blobs.</param>
/// <param name="Elapsed">Since the first connection was begun, until now or the end.</param>
public readonly record struct TransferStatistics(
    long Transferred, long Total, long Remaining, PageCount Normal, PageCount Duplicate, long Metadata, TimeSpan Elapsed)
{
    /// <summary>Bytes on the wire per second.</summary>
    public double Throughput => Elapsed > TimeSpan.Zero ? Transferred / Elapsed.TotalSeconds : 0;

    /// <summary>The same in QEMU's unit, megabits per second.</summary>
    public double Mbps => Throughput * 8 / 1e6;
}
