using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>The container, frozen on one side or the other, is ended in its guest in the middle of a migration.</summary>
[Collection(nameof(HeldHosts))]
public sealed class LostContainerTests(HeldHosts held) : FaultTest(held)
{
    private readonly TwoHosts _hosts = held.Hosts;
    private readonly HeldPoints _points = held.Points;

    [Fact]
    public async Task A_source_that_is_killed_while_it_is_frozen_is_lost_and_that_is_said()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "capture.before");

        await _hosts.A.Faults.KillContainerAsync(Container, Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 6, "counter is lost: nothing of it runs in host-a/vm-a any more");
        await MigrationAssert.NothingIsLeftInAsync(_hosts.B, Container);
        await _hosts.A.Containers.RemoveAsync(Container, Cancellation);
        await MigrationAssert.NothingIsLeftInAsync(_hosts.A, Container);
    }

    [Fact]
    public async Task A_destination_that_is_killed_after_the_commit_before_it_ran_makes_the_source_the_container_again()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "thaw.before");

        await _hosts.B.Faults.KillContainerAsync(Container, Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, " was ended there before it ran. counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(_hosts);
    }

    [Fact]
    public async Task A_destination_whose_guest_was_started_anew_after_the_commit_makes_the_source_the_container_again()
    {
        await RunCounterAsync(_hosts);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "thaw.before");

        await _hosts.B.Faults.ForgetAsBootDoesAsync(Container, Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, " it was started anew since. counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(_hosts);
    }
}
