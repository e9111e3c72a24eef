namespace Watari.Checkpoint.Restore;

/// <summary>How long the destination's VM may be kept still for the sake of one container: its neighbours live there too.</summary>
public sealed record WriteLimits
{
    public static WriteLimits Default { get; } = new();

    /// <summary>One pause; what was begun when it is over, at most 512 KiB, is finished.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromMilliseconds(8);

    /// <summary>What the guest runs at least between two pauses.</summary>
    public TimeSpan Between { get; init; } = TimeSpan.FromMilliseconds(2);
}
