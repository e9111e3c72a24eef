namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Makes pages of a frozen process present and its own, for the host to write: the request's data
/// are <see cref="PageRange"/>s. An absent page gets one zero byte written (what it holds is the
/// host's to say); a page that is shared copy-on-write gets its own first byte written back; a page
/// that is present and exclusive is left alone, so that a repetition disturbs nothing that the host
/// has written.
/// </summary>
public sealed record TouchRequest : JobRequest
{
    public required GuestPid Process { get; init; }

    /// <summary>At most so many ranges may follow; more are split into several requests.</summary>
    public const int MaxRanges = 1 << 18;
}

/// <summary>What became of the pages; all counts in pages of 4096 bytes.</summary>
public sealed record TouchResult
{
    /// <summary>In all ranges.</summary>
    public required long Pages { get; init; }

    /// <summary>Present and exclusive before.</summary>
    public required long Already { get; init; }

    /// <summary>Written to by the agent.</summary>
    public required long Written { get; init; }

    /// <summary>Made present with a neighbour, as part of a huge page.</summary>
    public required long ByHugePage { get; init; }

    /// <summary>Still absent or shared: their area does not allow it.</summary>
    public required long Failed { get; init; }

    public required double Milliseconds { get; init; }
}
