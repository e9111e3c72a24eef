namespace Watari.Transfer.Wire;

/// <summary>How much one batch of pages may hold: it bounds the buffers of both ends.</summary>
internal static class Batch
{
    /// <summary>Normal pages: 1 MiB fits the second-level cache between the scan and the send.</summary>
    public const int MaxPages = 256;

    /// <summary>Runs: each page may be one of its own, and zero runs lie between.</summary>
    public const int MaxRuns = 1024;

    /// <summary>Zero pages that are looked through before what has been found is sent, so that the peer hears of it.</summary>
    public const int MaxScanned = 65_536;
}
