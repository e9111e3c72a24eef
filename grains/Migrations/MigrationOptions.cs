namespace Watari.Grains.Migrations;

/// <summary>Times of a migration's conversation with the hosts.</summary>
public sealed class MigrationOptions
{
    /// <summary>How long one call to a host waits before it reports progress.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a host may be silent before the commit until the migration turns back; a dead silo is found in about 2 s.</summary>
    public TimeSpan HostSilence { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>First pause between attempts that must succeed in the end; it doubles up to <see cref="LongestPause"/>.</summary>
    public TimeSpan FirstPause { get; set; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan LongestPause { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The same where the container runs already and what is left is tidying up.</summary>
    public TimeSpan LongestTidyingPause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Repetition of the last snapshot to watchers.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(2);
}
