using Watari.Guests;
using Watari.Hypervisor;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>A VM, or the kernel in it, dies in the middle of a migration.</summary>
public sealed class LostVmTests : FaultTest
{
    [Fact]
    public async Task A_destination_that_is_killed_before_the_commit_turns_the_migration_back()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "restore.before");

        await hosts.B.Faults.KillVmAsync(Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, " counter runs on in host-a/vm-a");
        await AssertSourceIsAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task A_destination_that_is_killed_in_the_middle_of_the_restore_turns_the_migration_back()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "restore.before");
        await hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await hosts.B.Faults.KillVmAsync(Cancellation);
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, "failed: VM 'vm-b' is gone: its QEMU ended. counter runs on in host-a/vm-a");
        await AssertSourceIsAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task A_destination_that_is_killed_after_the_commit_makes_the_source_the_container_again()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "thaw.before");

        await hosts.B.Faults.KillVmAsync(Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, "failed: The copy in host-b/vm-b was lost before it was known to run: ");
        await AssertSourceIsAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task A_panic_of_the_destination_in_the_middle_of_the_restore_turns_the_migration_back_at_once()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "restore.before");
        await hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await hosts.B.Faults.PanicAsync(Cancellation);
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, "failed: VM 'vm-b' is dead: its kernel panicked. counter runs on in host-a/vm-a");
        await AssertSourceIsAsBeforeAsync(hosts);
        Assert.Equal(RunState.GuestPanicked, await hosts.B.VmStateAsync(Cancellation));
    }

    [Fact]
    public async Task A_panic_of_the_source_before_all_is_carried_takes_the_container_with_it_and_that_is_said()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "capture.before");

        await hosts.A.Faults.PanicAsync(Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 6, "failed: VM 'vm-a' is dead: its kernel panicked. counter is lost: nothing of it runs in host-a/vm-a any more");
        await MigrationAssert.NothingIsLeftInAsync(hosts.B, Container);
    }

    [Fact]
    public async Task A_source_that_is_killed_before_all_is_carried_takes_the_container_with_it_and_that_is_said()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "capture.before");

        await hosts.A.Faults.KillVmAsync(Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 6, " counter is lost: nothing of it runs in host-a/vm-a any more");
        await MigrationAssert.NothingIsLeftInAsync(hosts.B, Container);
    }

    [Fact]
    public async Task A_source_that_is_killed_when_all_is_carried_is_no_loss()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "restore.before");

        await hosts.A.Faults.KillVmAsync(Cancellation);
        migration.Release();
        Run run = await migration.EndAsync();

        AssertEnded(run, 0, "migrated counter host-a/vm-a -> host-b/vm-b");
        Assert.Equal("running", await hosts.B.Containers.StatusAsync(Container, Cancellation));
        await AssertCountsAsync(hosts.B);
        await MigrationAssert.KernelIsContentAsync(hosts.B);
    }
}
