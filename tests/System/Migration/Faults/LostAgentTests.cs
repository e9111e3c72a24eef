using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>The agent in the destination is killed in the middle of its work.</summary>
[Collection(nameof(HeldHosts))]
public sealed class LostAgentTests(HeldHosts held) : FaultTest(held)
{
    private readonly TwoHosts _hosts = held.Hosts;
    private readonly HeldPoints _points = held.Points;

    [Fact]
    public async Task In_the_middle_of_the_restore()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.before");
        await _hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await _hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await _hosts.B.Faults.KillAgentAsync(Cancellation);
        Run run = await migration.EndAsync();

        await AssertTurnedBackAsync(run);
    }

    [Fact]
    public async Task While_it_touches_pages()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.before");
        await _hosts.B.Faults.KillAgentWhenItTouchesPagesAsync(Cancellation);
        migration.Release();
        await _hosts.B.Faults.UntilAgentIsKilledAsync(Cancellation);

        Run run = await migration.EndAsync();

        await AssertTurnedBackAsync(run);
    }

    [Fact]
    public async Task Between_two_steps_nobody_is_the_worse_for_it()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "capture.before");

        await _hosts.B.Faults.KillAgentAsync(Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 0, "migrated counter host-a/vm-a -> host-b/vm-b");
        await MigrationAssert.RunsOnlyInAsync(_hosts.B, _hosts.A, Container);
        await AssertCountsAsync(_hosts.B);
    }

    private async Task AssertTurnedBackAsync(Run run)
    {
        AssertEnded(run, 5, "failed: The guest agent in VM 'vm-b' was lost: ");
        AssertEnded(run, 5, " counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(_hosts);
        await MigrationAssert.KernelIsContentAsync(_hosts.B);
    }
}
