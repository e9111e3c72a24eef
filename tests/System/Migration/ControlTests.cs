using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>pause, unpause and kill by the console, and what a migration says to a paused container.</summary>
[Collection(Migrations.Name)]
public sealed class ControlTests(SharedHosts shared) : MigrationTest(shared.Hosts)
{
    private readonly Guests.TwoHosts _hosts = shared.Hosts;

    [Fact]
    public async Task A_paused_container_is_listed_so_is_not_moved_and_runs_on_when_it_is_unpaused()
    {
        Run paused = await _hosts.WatariAsync("pause", "counter");
        Run listed = await _hosts.WatariAsync("ps", "--vm", "vm-a");
        Run moved = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b");
        Run unpaused = await _hosts.WatariAsync("unpause", "--all", "--vm", "vm-a");

        Assert.Equal((0, "counter\n"), (paused.Code, paused.Out));
        Assert.Contains("paused counter in host-a/vm-a from outside", paused.Error, StringComparison.Ordinal);
        Assert.Matches(@"counter .*\(Paused\)", listed.Out);
        Assert.Equal(4, moved.Code);
        Assert.Contains("Container 'counter' is paused, and would be restored running: unpause it first ('watari unpause counter').", moved.Error, StringComparison.Ordinal);
        Assert.Equal((0, "counter\n"), (unpaused.Code, unpaused.Out));
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, "counter");
        Assert.True((await _hosts.A.Containers.ReportAsync(cancellation: Cancellation)).GetProperty("intact").GetBoolean());
    }

    [Fact]
    public async Task A_killed_container_is_no_longer_there()
    {
        await _hosts.A.Containers.RunAsync("counter", "doomed", Cancellation);
        try
        {
            Run killed = await _hosts.WatariAsync("kill", "doomed");
            Run again = await _hosts.WatariAsync("kill", "doomed");

            Assert.Equal((0, "doomed\n"), (killed.Code, killed.Out));
            Assert.Equal("stopped", await _hosts.A.Containers.StatusAsync("doomed", Cancellation));
            Assert.Equal((4, "watari: Container 'doomed' in host-a/vm-a does not run: it is stopped.\n"), (again.Code, again.Error));
        }
        finally
        {
            await _hosts.A.Containers.RemoveAsync("doomed", Cancellation);
        }
    }
}
