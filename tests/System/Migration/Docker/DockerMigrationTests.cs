using System.Text.Json;
using Watari.Guests;
using Watari.Processes;
using Watari.SystemTests.Migration.Faults;

namespace Watari.SystemTests.Migration.Docker;

/// <summary>A container of Docker's is moved with its files and volumes and is Docker's own at its destination.</summary>
[Collection(nameof(DockerHosts))]
public sealed class DockerMigrationTests : ManagedMigrationTest
{
    private const string Running = "web running\n2", Nothing = "0";

    private readonly TwoHosts _hosts;
    private readonly HeldPoints _points;
    private readonly DockerWeb _a;
    private readonly DockerWeb _b;

    public DockerMigrationTests(DockerHosts docker)
        : this(docker, new DockerWeb(docker.Hosts.A), new DockerWeb(docker.Hosts.B))
    {
    }

    private DockerMigrationTests(DockerHosts docker, DockerWeb a, DockerWeb b)
        : base(docker.Hosts, a, b, Running)
    {
        _hosts = docker.Hosts;
        _points = docker.Points;
        (_a, _b) = (a, b);
    }

    [Fact]
    public async Task It_moves_there_and_back_with_its_files_and_its_restart_policy_and_docker_has_it_as_its_own()
    {
        await StartAsync("--restart always");
        string files = await _a.FilesAsync();
        int counted = await _a.CountAsync();

        JsonElement job = await MigrateAsync("vm-b");

        Assert.Equal(JsonValueKind.Null, job.GetProperty("left").ValueKind);
        string[] parts = [.. job.GetProperty("downtime").GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("name").GetString()!)];
        Assert.All((string[])["freeze", "capture", "files", "compare-volumes", "send", "patch-volumes", "skeleton", "memwrite", "thaw"], part => Assert.Contains(part, parts));
        Assert.Equal(Nothing, await _a.TracesAsync());
        Assert.Equal(files, await _b.FilesAsync());
        Assert.Equal(Running, await _b.TracesAsync());
        Assert.True(await _b.CountAsync() > counted);
        await _b.CountsAsync();

        await MigrateAsync("vm-a");

        Assert.Equal(Nothing, await _b.TracesAsync());
        Assert.Equal(files, await _a.FilesAsync());
        await _a.CountsAsync();
        Assert.Contains("/books/count", await _a.InAsync("docker top web; docker exec web ls /books/count"), StringComparison.Ordinal);
        Assert.Equal("exited", await _a.InAsync("docker stop -t 0 web >/dev/null; docker inspect -f '{{.State.Status}}' web"));
        await _a.InAsync("docker start web");
        await _a.CountsAsync();
        Assert.Equal("kept\nnameless", await _a.InAsync("docker exec web cat /books/kept /nameless/kept"));
        await _a.RemoveAsync();
        Assert.Equal(Nothing, await _a.TracesAsync());
        await MigrationAssert.KernelIsContentAsync(_hosts.A);
        await MigrationAssert.KernelIsContentAsync(_hosts.B);
    }

    [Fact]
    [Trait("engines", "more")]
    public async Task What_docker_could_not_make_at_the_destination_is_refused_and_the_source_goes_on()
    {
        await _a.InAsync("tar -C /var/lib/watari/images/busybox -c . | docker import - localhost/rare >/dev/null; mkdir -p /srv/own");
        await StartAsync("-v /srv/own:/own", image: "localhost/rare");
        try
        {
            await AssertRefusedAsync("The container sees /srv/own of its guest (a bind mount), which is not in this one");
            await _b.InAsync("mkdir /srv/own");
            await AssertRefusedAsync("The container's image localhost/rare (", "is not in Docker's store of this guest: pull or load it there first");
            await StartAsync();
            await _b.InAsync("docker volume create books");
            await AssertRefusedAsync("Docker has a volume books in this guest already", "docker volume rm books");
            await _b.InAsync("docker volume rm books; docker create --name web localhost/busybox true");
            await AssertRefusedAsync("Docker has a container web in this guest already", "docker rm web");
            await _b.InAsync("docker rm web; echo '#!/bin/sh' >/usr/local/sbin/runc; chmod +x /usr/local/sbin/runc");
            await AssertRefusedAsync("Docker's runc is /usr/local/sbin/runc in this guest");
            await _b.InAsync("rm /usr/local/sbin/runc");
            await _a.CountsAsync();
        }
        finally
        {
            await _a.RemoveAsync();
        }

        Assert.Equal(Nothing, await _b.TracesAsync());
    }

    [Fact]
    [Trait("engines", "more")]
    public async Task An_agent_that_is_killed_in_the_middle_of_dockers_start_leaves_the_source_running_and_nothing_at_the_destination()
    {
        await StartAsync("--restart always");
        string files = await _a.FilesAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.before", await _a.IdAsync());
        await _hosts.B.Faults.StopNextCriuAsync(Cancellation);
        migration.Release();
        await _hosts.B.Faults.UntilCriuIsStoppedAsync(Cancellation);

        await _hosts.B.Faults.KillAgentAsync(Cancellation);
        Run run = await migration.EndAsync();

        AssertTurnedBack(run, "The guest agent in VM 'vm-b' was lost");
        await AssertSourceGoesOnAsync(files);
        Assert.Equal(Nothing, await _b.TracesAsync());

        // And nothing of it is in the way of the next.
        await MigrateAsync("vm-b");
        Assert.Equal(files, await _b.FilesAsync());
        await _b.RemoveAsync();
    }

    [Fact]
    public async Task Before_the_commit_the_destination_has_it_frozen_and_a_job_that_is_cancelled_removes_it_before_docker_could_start_it_again()
    {
        await StartAsync("--restart always");
        string files = await _a.FilesAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "restore.after", await _a.IdAsync());
        Assert.StartsWith(Running, await _b.TracesAsync(), StringComparison.Ordinal);
        string copy = await _b.IdAsync();
        string count = await _b.InAsync("cat /proc/$(docker inspect -f '{{.State.Pid}}' web)/root/scratch/count");
        // Docker runs others meanwhile, and its runc is a whole one again.
        Assert.Equal("beside", await _b.InAsync("docker run --rm --network none localhost/busybox echo beside"));
        Assert.Equal(count, await _b.InAsync("cat /proc/$(docker inspect -f '{{.State.Pid}}' web)/root/scratch/count"));

        await migration.InterruptAsync();
        Run run = await migration.EndAsync();

        Assert.True(run.Code == 130, $"{run.Code} {run.Out}{run.Error}");
        await AssertSourceGoesOnAsync(files);
        Assert.Equal(Nothing, await _b.TracesAsync());
        Assert.Equal("1", await _b.InAsync($"docker events --since 10m --until 0s --filter event=start --filter container={copy} | wc -l"));
        await _a.RemoveAsync();
    }

    private async Task AssertRefusedAsync(params string[] says) => AssertRefused(await RunPatientlyAsync(_hosts, "migrate", "web", "--to", "vm-b"), says);
}
