using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;
using Watari.Grains.Migrations;

namespace Watari.Grains.Tests;

public sealed class MigrationTableTests
{
    [Fact]
    public void the_table_leads_through_every_state_from_planned_to_done()
    {
        var walked = new List<MigrationState> { MigrationState.Planned };
        while (!walked[^1].IsTerminal()) walked.Add(MigrationTable.Of(walked[^1]).To);

        Assert.Equal(Enum.GetValues<MigrationState>().TakeWhile(s => s <= MigrationState.Done), walked);
    }

    [Fact]
    public void only_what_is_committed_goes_forward_and_only_what_is_planned_is_refused()
    {
        Assert.Equal([MigrationState.Committed], MigrationTable.Rows.Where(r => r.Failing == Failing.TryAgain).Select(r => r.From));
        Assert.Equal([MigrationState.Planned], MigrationTable.Rows.Where(r => r.Failing == Failing.Refuse).Select(r => r.From));
    }

    [Fact]
    public void nothing_runs_between_ready_and_the_commit() => Assert.Empty(MigrationTable.Of(MigrationState.Ready).Steps);

    [Theory]
    [InlineData("freeze.before")]
    [InlineData("write.Committed.after")]
    [InlineData("roll-back-source.after")]
    public void each_step_and_each_write_is_a_fault_point(string name) => Assert.Contains(name, FaultPoints.Names);

    [Theory]
    [InlineData("thaw.sideways=fail", "is no fault point; there are plan.before")]
    [InlineData("thaw.before=explode", "there are fail, hang, kill and hold:FILE")]
    [InlineData("thaw.before=hold:", "there are fail, hang, kill and hold:FILE")]
    [InlineData("thaw.sideways=hold:/tmp/x", "is no fault point; there are plan.before")]
    [InlineData("thaw.before", "there are fail, hang, kill and hold:FILE")]
    public void a_fault_that_does_not_exist_is_refused(string text, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => FaultPoints.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task an_armed_point_goes_off_once()
    {
        var faults = FaultPoints.Parse("thaw.before=fail, freeze.after=hang");

        await Assert.ThrowsAsync<EngineException>(() => faults.HitAsync("thaw.before", TestContext.Current.CancellationToken));
        await faults.HitAsync("thaw.before", TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task a_hold_lasts_as_long_as_its_file_and_comes_back_with_it()
    {
        string file = Path.GetTempFileName();
        var faults = FaultPoints.Parse($"thaw.before=hold:{file}");
        for (int i = 0; i < 2; i++)
        {
            await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
            Task held = faults.HitAsync("thaw.before", TestContext.Current.CancellationToken);
            Assert.False(held.IsCompleted);
            File.Delete(file);
            await held;
        }

        await faults.HitAsync("thaw.before", TestContext.Current.CancellationToken);
    }
}
