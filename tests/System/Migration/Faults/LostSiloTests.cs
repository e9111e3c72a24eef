using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>A silo dies, or stands still, in the middle of a migration; whether it leads the job is left to chance, and must not matter.</summary>
public sealed partial class LostSiloTests : FaultTest
{
    [Fact]
    public async Task The_source_is_thawed_when_its_silo_was_killed_while_it_was_frozen_and_starts_again()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "capture.before");

        await hosts.A.Silo.KillAsync(Cancellation);
        migration.Release();
        await hosts.A.StartSiloAsync();
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, " counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(hosts.A, hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task The_destination_is_cleaned_when_its_silo_was_killed_and_starts_again()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "restore.before");
        await hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await hosts.B.Silo.KillAsync(Cancellation);
        await hosts.B.StartSiloAsync();
        Run run = await migration.EndAsync();

        AssertEnded(run, 5, " counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(hosts.A, hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task The_destination_is_the_container_when_both_were_killed_after_the_commit_and_start_again()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "thaw.before");

        await Task.WhenAll(hosts.A.Silo.KillAsync(Cancellation), hosts.B.Silo.KillAsync(Cancellation));
        await Task.WhenAll(hosts.A.StartSiloAsync(), hosts.B.StartSiloAsync());
        Run run = await migration.EndAsync();

        AssertEnded(run, 0, "migrated counter host-a/vm-a -> host-b/vm-b");
        await MigrationAssert.RunsOnlyInAsync(hosts.B, hosts.A, Container);
        await AssertCountsAsync(hosts.B);
        await MigrationAssert.KernelIsContentAsync(hosts.A);
        await MigrationAssert.KernelIsContentAsync(hosts.B);
    }

    [Fact]
    public async Task A_transfer_that_is_cut_turns_the_migration_back_and_what_comes_late_does_nothing()
    {
        (TwoHosts hosts, HeldPoints points) = await StartHeldHostsAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(hosts, points, "capture.before");

        Signal(hosts.B.Silo.Process, Stop);
        migration.Release();
        Run run = await migration.EndAsync();
        Signal(hosts.B.Silo.Process, Continue);

        AssertEnded(run, 5, " counter runs on in host-a/vm-a");
        // The others have declared it dead, and it ends when it hears of it; another takes its place and cleans up.
        await hosts.B.Silo.Process.WaitForExitAsync(Cancellation);
        await hosts.B.StartSiloAsync();
        string job = JsonDocument.Parse((await hosts.WatariAsync("jobs", "ls", "-o", "json")).Out).RootElement[0].GetProperty("id").GetString()!;
        AssertEnded(await hosts.WatariAsync("jobs", "watch", job), 5, " counter runs on in host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(hosts.A, hosts.B, Container);
        await AssertSourceIsAsBeforeAsync(hosts);
    }

    [Fact]
    public async Task A_VM_goes_on_when_its_silo_was_killed_while_it_held_it_and_starts_again()
    {
        (TwoHosts hosts, _) = await StartHeldHostsAsync();
        await using (QmpClient monitor = await QmpClient.ConnectAsync(hosts.A.Guest.Directory.ControlSocket, cancellation: Cancellation))
        {
            await StopSiloWhileItHoldsAsync(hosts, monitor);
            await hosts.A.Silo.KillAsync(Cancellation);
            Assert.Equal("paused", await StatusAsync(monitor));

            using QmpEventWait resumed = monitor.ExpectEvent("RESUME");
            await hosts.A.StartSiloAsync();
            await resumed.Task;
        }

        await AssertSourceIsAsBeforeAsync(hosts);
    }

    private const int Stop = 19, Continue = 18;

    /// <summary>A dry run holds the VM for some milliseconds: the silo is stopped as soon as the VM stands, until it is caught in the act.</summary>
    private static async Task StopSiloWhileItHoldsAsync(TwoHosts hosts, QmpClient monitor)
    {
        while (true)
        {
            using QmpEventWait stopped = monitor.ExpectEvent("STOP", deadline: TimeSpan.FromMinutes(2));
            Task<Run> plan = hosts.WatariAsync("migrate", Container, "--to", "vm-b", "--dry-run");
            await stopped.Task;
            Signal(hosts.A.Silo.Process, Stop);
            if (await StatusAsync(monitor) == "paused") return;
            Signal(hosts.A.Silo.Process, Continue);
            await plan;
        }
    }

    private static async Task<string?> StatusAsync(QmpClient monitor) =>
        (await monitor.ExecuteAsync<JsonElement>("query-status", cancellation: Cancellation)).GetProperty("status").GetString();

    /// <summary>At once, as a program of its own would not be.</summary>
    private static void Signal(Process process, int signal) => Assert.Equal(0, Kill(process.Id, signal));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
