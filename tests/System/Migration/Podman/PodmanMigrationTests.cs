using System.Text.Json;
using Watari.Guests;
using Watari.Processes;
using Watari.SystemTests.Migration.Faults;

namespace Watari.SystemTests.Migration.Podman;

/// <summary>A container of podman's is moved with its files and is podman's own at its destination.</summary>
[Collection(nameof(HeldHosts))]
public sealed class PodmanMigrationTests : ManagedMigrationTest
{
    private readonly TwoHosts _hosts;
    private readonly HeldPoints _points;
    private readonly PodmanWeb _a;
    private readonly PodmanWeb _b;

    public PodmanMigrationTests(HeldHosts held)
        : this(held, new PodmanWeb(held.Hosts.A), new PodmanWeb(held.Hosts.B))
    {
    }

    private PodmanMigrationTests(HeldHosts held, PodmanWeb a, PodmanWeb b)
        : base(held.Hosts, a, b, running: "web running\nbooks")
    {
        _hosts = held.Hosts;
        _points = held.Points;
        (_a, _b) = (a, b);
    }

    [Fact]
    public async Task It_moves_there_and_back_with_its_files_and_its_restart_policy_and_podman_has_it_as_its_own()
    {
        await StartAsync("--restart always");
        string files = await _a.FilesAsync();
        int counted = await _a.CountAsync();

        JsonElement job = await MigrateAsync("vm-b");

        Assert.Equal(JsonValueKind.Null, job.GetProperty("left").ValueKind);
        string[] parts = [.. job.GetProperty("downtime").GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("name").GetString()!)];
        Assert.All((string[])["freeze", "capture", "files", "send", "archive", "skeleton", "memwrite", "thaw"], part => Assert.Contains(part, parts));
        Assert.Equal("", await _a.TracesAsync());
        Assert.Equal(files, await _b.FilesAsync());
        Assert.Equal("web running\nbooks", await _b.TracesAsync());
        Assert.True(await _b.CountAsync() > counted);
        await _b.CountsAsync();

        await MigrateAsync("vm-a");

        Assert.Equal("", await _b.TracesAsync());
        Assert.Equal(files, await _a.FilesAsync());
        await _a.CountsAsync();
        Assert.Contains("/books/count", await _a.InAsync("podman top web args; podman exec web ls /books/count"), StringComparison.Ordinal);
        Assert.Equal("always", await _a.InAsync("podman inspect -f '{{.HostConfig.RestartPolicy.Name}}' web"));
        Assert.Equal("exited", await _a.InAsync("podman stop -t 0 web >/dev/null; podman inspect -f '{{.State.Status}}' web"));
        await _a.InAsync("podman start web");
        await _a.CountsAsync();
        Assert.Equal("kept", await _a.InAsync("podman exec web cat /books/kept"));
        await _a.RemoveAsync();
        Assert.Equal("", await _a.TracesAsync());
        await MigrationAssert.KernelIsContentAsync(_hosts.A);
        await MigrationAssert.KernelIsContentAsync(_hosts.B);
    }

    [Fact]
    public async Task What_is_asked_to_be_kept_or_cannot_be_removed_is_left_stopped_at_the_source_and_that_is_said()
    {
        await StartAsync();

        JsonElement kept = await MigrateAsync("vm-b", "--keep-source");

        Assert.Equal("container web, as --keep-source asks", kept.GetProperty("left").GetString());
        await _a.InAsync("until [ \"$(podman inspect -f '{{.State.Status}}' web)\" = exited ]; do :; done");
        Assert.Equal("web running\nbooks", await _b.TracesAsync());
        AssertRefused(await RunPatientlyAsync(_hosts, "migrate", "web", "--from", "vm-b", "--to", "vm-a"), "Podman has a container web in this guest already: remove it (podman rm web)");
        await _a.RemoveAsync();

        JsonElement unable = default;
        await WithoutAgentAsync(_b, async () => unable = await MigrateAsync("vm-a"));

        Assert.StartsWith("container web with volume books, for no agent answers there", unable.GetProperty("left").GetString(), StringComparison.Ordinal);
        await _a.CountsAsync();
        await _b.InAsync("until [ \"$(podman inspect -f '{{.State.Status}}' web)\" = exited ]; do :; done");
        await _a.RemoveAsync();
        await _b.RemoveAsync();
    }

    [Fact]
    public async Task What_podman_could_not_make_at_the_destination_is_refused_and_the_source_goes_on()
    {
        await _a.InAsync("tar -C /var/lib/watari/images/busybox -c . | podman import --quiet - localhost/rare");
        await StartAsync(image: "localhost/rare");
        try
        {
            await AssertRefusedAsync("The container's image localhost/rare:latest (", "is not in podman's store of this guest: pull or load it there first");
            await StartAsync();

            await _b.InAsync("podman volume create books");
            await AssertRefusedAsync("Podman has a volume books in this guest already", "podman volume rm books");
            await _b.InAsync("podman volume rm books; podman create --name web localhost/busybox true");
            await AssertRefusedAsync("Podman has a container web in this guest already", "podman rm web");
            await _b.InAsync("podman rm web; mv /usr/bin/podman /usr/bin/podman.held");
            await RestartAgentOfBAsync();
            await AssertRefusedAsync("There is no podman in this guest", "install it, or choose another destination");
            await _b.InAsync("mv /usr/bin/podman.held /usr/bin/podman");
            await RestartAgentOfBAsync();
            await _a.CountsAsync();

            await StartAsync("--restart always");
            await WithoutAgentAsync(_a, () => AssertRefusedAsync("No guest agent answers in VM 'vm-a'", "podman update --restart=no web"));
            await _b.InAsync("podman volume create books");
            Run plan = await RunPatientlyAsync(_hosts, "migrate", "web", "--to", "vm-b", "--dry-run");
            Assert.Equal(4, plan.Code);
            await _b.InAsync("podman volume rm books");
        }
        finally
        {
            await _a.RemoveAsync();
        }

        Assert.Equal("", await _b.TracesAsync());
    }

    [Fact]
    public async Task A_restore_that_podman_fails_leaves_the_source_running_and_nothing_at_the_destination()
    {
        await StartAsync();
        string files = await _a.FilesAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.before", await _a.IdAsync());
        await _b.InAsync("podman create --name web localhost/busybox true");
        migration.Release();

        Run run = await migration.EndAsync();

        AssertTurnedBack(run, "podman container restore ended with code 125");
        Assert.Contains("already in use", run.Error, StringComparison.Ordinal);
        await AssertSourceGoesOnAsync(files);
        Assert.Equal("web created", await _b.TracesAsync());
        await _b.InAsync("podman rm web");
        await _a.RemoveAsync();
    }

    [Fact]
    public async Task An_agent_that_is_killed_in_the_middle_of_podmans_restore_leaves_the_source_running_and_nothing_at_the_destination()
    {
        await StartAsync();
        string files = await _a.FilesAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.before", await _a.IdAsync());
        await _hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await _hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await _hosts.B.Faults.KillAgentAsync(Cancellation);
        Run run = await migration.EndAsync();

        AssertTurnedBack(run, "The guest agent in VM 'vm-b' was lost");
        await AssertSourceGoesOnAsync(files);
        Assert.Equal("", await _b.TracesAsync());

        // And nothing of it is in the way of the next.
        await MigrateAsync("vm-b");
        Assert.Equal(files, await _b.FilesAsync());
        await _b.RemoveAsync();
    }

    [Fact]
    public async Task Before_the_commit_the_destination_has_it_frozen_and_a_job_that_is_cancelled_removes_it_before_podman_could_start_it_again()
    {
        await StartAsync("--restart always");
        string files = await _a.FilesAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.after", await _a.IdAsync());
        Assert.StartsWith("web running\nbooks", await _b.TracesAsync(), StringComparison.Ordinal);

        await migration.InterruptAsync();
        Run run = await migration.EndAsync();

        Assert.True(run.Code == 130, $"{run.Code} {run.Out}{run.Error}");
        await AssertSourceGoesOnAsync(files);
        Assert.Equal("", await _b.TracesAsync());
        Assert.Equal("", await _b.InAsync("podman events --stream=false --since 10m --filter event=start --filter container=web"));
        await _a.RemoveAsync();
    }

    private async Task AssertRefusedAsync(params string[] says)
    {
        AssertRefused(await RunPatientlyAsync(_hosts, "migrate", "web", "--to", "vm-b"), says);
        Assert.Equal("", await _b.InAsync("ls /var/lib/watari/archives /run/watari/jobs | grep -v : || true"));
    }

    /// <summary>While its agent is dead, and is not started again.</summary>
    private static async Task WithoutAgentAsync(PodmanWeb guest, Func<Task> act)
    {
        await guest.InAsync("mv /usr/lib/watari/watari-agent /usr/lib/watari/held; kill $(pidof watari-agent); until pgrep -P 1 -x sleep; do :; done");
        try
        {
            await act();
        }
        finally
        {
            await guest.InAsync("mv /usr/lib/watari/held /usr/lib/watari/watari-agent; kill $(pgrep -P 1 -x sleep); until pidof watari-agent; do :; done");
        }
    }

    private Task<string> RestartAgentOfBAsync() => _b.InAsync("old=$(pidof watari-agent); kill $old; until new=$(pidof watari-agent) && [ $new != $old ]; do :; done");
}
