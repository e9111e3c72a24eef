namespace Watari.Checkpoint.Pauses;

/// <summary>How long a VM may be kept still for the sake of one container: its neighbours live there too.</summary>
public sealed record PauseLimits
{
    public static PauseLimits Default { get; } = new();

    /// <summary>One pause; what was begun when it is over, at most 512 KiB, is finished.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromMilliseconds(8);

    /// <summary>What the guest runs at least between two pauses.</summary>
    public TimeSpan Between { get; init; } = TimeSpan.FromMilliseconds(2);
}

/// <summary>What a piece of work cost the guest.</summary>
/// <param name="Count">How often the guest stood still for it.</param>
/// <param name="Total">How long in all.</param>
/// <param name="Longest">The longest pause.</param>
public readonly record struct PauseTotals(int Count, TimeSpan Total, TimeSpan Longest);
