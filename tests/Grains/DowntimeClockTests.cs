using Watari.GrainInterfaces.Model;
using Watari.Grains.Migrations;

namespace Watari.Grains.Tests;

public sealed class DowntimeClockTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void downtime_runs_from_the_freeze_to_the_end_of_the_thaw_and_what_no_phase_covers_is_control()
    {
        Downtime? downtime = DowntimeClock.Between([Phase("plan", -50, 40), Phase("freeze", 0, 3), Phase("capture", 5, 9), Phase("thaw", 30, 8)], TimeSpan.FromSeconds(1));

        Assert.Equal(38, downtime!.Milliseconds);
        Assert.Equal(["freeze", "capture", "thaw", "control"], downtime.Parts.Select(p => p.Name));
        Assert.Equal(38 - 3 - 9 - 8, downtime.Parts[^1].Milliseconds);
    }

    [Fact]
    public void phases_that_overlap_are_counted_once()
    {
        Downtime? downtime = DowntimeClock.Between([Phase("freeze", 0, 10), Phase("capture", 10, 20), Phase("memwrite", 15, 20), Phase("thaw", 35, 5)], TimeSpan.FromSeconds(1));

        Assert.Equal(40, downtime!.Milliseconds);
        Assert.DoesNotContain(downtime.Parts, p => p.Name == "control");
    }

    [Theory]
    [InlineData(-5000)]
    [InlineData(9000)]
    public void clocks_that_do_not_agree_are_bounded_by_the_jobs_own(double skew)
    {
        Downtime? downtime = DowntimeClock.Between([Phase("freeze", 0, 3), Phase("thaw", skew, 8)], TimeSpan.FromMilliseconds(50));

        Assert.Equal(50, downtime!.Milliseconds);
    }

    [Fact]
    public void without_a_freeze_or_a_thaw_there_is_none() => Assert.Null(DowntimeClock.Between([Phase("freeze", 0, 3)], TimeSpan.FromSeconds(1)));

    private static PhaseTiming Phase(string name, double at, double milliseconds) => new(name, Noon.AddMilliseconds(at), milliseconds);
}
