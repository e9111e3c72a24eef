using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>Ctrl-C at the console, in each phase of a migration.</summary>
[Collection(nameof(HeldHosts))]
public sealed class InterruptTests(HeldHosts held) : FaultTest(held)
{
    private readonly TwoHosts _hosts = held.Hosts;
    private readonly HeldPoints _points = held.Points;

    [Theory]
    [InlineData("plan.before")]
    [InlineData("check.after")]
    [InlineData("prepare.before")]
    [InlineData("prepare.after")]
    [InlineData("freeze.before")]
    [InlineData("freeze.after")]
    [InlineData("capture.before")]
    [InlineData("capture.after")]
    [InlineData("restore.before")]
    [InlineData("restore.after")]
    public async Task Before_the_commit_it_turns_the_migration_back(string point)
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, point);

        await migration.InterruptAsync();
        Run run = await migration.EndAsync();

        AssertEnded(run, 130, "cancelled: counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(_hosts);
    }

    [Fact]
    public async Task In_the_middle_of_the_restore_it_ends_that_too()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.before");
        await _hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await _hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await migration.InterruptAsync();
        Run run = await migration.EndAsync();

        AssertEnded(run, 130, "cancelled: counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(_hosts);
    }

    [Fact]
    public async Task After_the_commit_it_is_told_that_it_comes_too_late()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "thaw.before");

        await migration.InterruptAsync();
        await migration.UntilSaysAsync("cannot be cancelled any more: it is committed");
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 0, "migrated counter host-a/vm-a -> host-b/vm-b");
        await MigrationAssert.RunsOnlyInAsync(_hosts.B, _hosts.A, Container);
        await AssertCountsAsync(_hosts.B);
        await MigrationAssert.KernelIsContentAsync(_hosts.B);
    }
}
