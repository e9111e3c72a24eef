using System.Formats.Tar;
using System.IO.Compression;
using Watari.GuestAgent.Protocol;
using Watari.Guests;

namespace Watari.SystemTests.GuestAgents;

/// <summary>The agent has podman restore a checkpoint: the container is podman's own from then on, and stands still until it is thawed.</summary>
public sealed class PodmanAdoptionTests(PodmanCheckpoint checkpoint) : IClassFixture<PodmanCheckpoint>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_restored_container_is_held_and_once_thawed_is_an_ordinary_container_of_podmans()
    {
        await using GuestAgentClient agent = await checkpoint.AgentAsync();
        JobStep at = PodmanCheckpoint.Step("adopt", 1, "restore");

        RestoreResult held = await checkpoint.RestoreAsync(agent, at);

        Assert.Equal("frozen 1", await InGuestAsync($"grep frozen /sys/fs/cgroup{held.Cgroup}/cgroup.events"));
        Assert.True(held.Timings.Restore > 0, "criu's own figures of the restore are lost");
        JobStatus status = await agent.StatusAsync(at, PodmanCheckpoint.Patience, Cancellation);
        Assert.Equal((JobPhase.Restored, true, held.Processes.Count), (status.Phase, status.Frozen, status.Processes));
        string before = await InGuestAsync($"cat /proc/{held.Init}/root/data/count");

        await agent.ThawAsync(at, null, PodmanCheckpoint.Patience, Cancellation);
        await agent.ReleaseAsync(at, PodmanCheckpoint.Patience, Cancellation);

        Assert.Equal("running", await InGuestAsync("podman inspect -f '{{.State.Status}}' web"));
        await InGuestAsync($"until [ \"$(podman exec web cat /data/count)\" -gt {before} ]; do :; done");
        Assert.Equal(PodmanCheckpoint.Changed, await InGuestAsync("podman exec web cat /data/changed /volume/kept"));
        Assert.Contains("begun", await InGuestAsync("podman logs web"), StringComparison.Ordinal);
        Assert.Equal("", await InGuestAsync("ls /var/lib/watari/archives /run/watari/jobs | grep adopt"));

        await InGuestAsync("podman stop -t 0 web");
        Assert.Equal("exited", await InGuestAsync("podman inspect -f '{{.State.Status}}' web"));
        await InGuestAsync("podman start web");
        Assert.Equal("running", await InGuestAsync("podman inspect -f '{{.State.Status}}' web"));
        await InGuestAsync("podman rm -f -t 0 web && podman volume rm web");
    }

    [Fact]
    public async Task What_was_restored_and_is_not_wanted_leaves_nothing_with_podman()
    {
        await using GuestAgentClient agent = await checkpoint.AgentAsync();
        JobStep at = PodmanCheckpoint.Step("undo", 1, "restore");
        await checkpoint.RestoreAsync(agent, at);

        DestroyResult destroyed = await agent.DestroyAsync(at, null, PodmanCheckpoint.Patience, Cancellation);

        Assert.Contains($"container {checkpoint.Container}", destroyed.Removed);
        Assert.Contains("volume web", destroyed.Removed);
        Assert.Equal("", await InGuestAsync("podman ps -aq; podman volume ls -q; pgrep -f 'conmon.*web'; ls /var/lib/watari/archives; find /sys/fs/cgroup -name 'watari-undo*'"));
    }

    [Fact]
    public async Task Without_its_image_it_is_refused_before_anything_is_sent()
    {
        await using GuestAgentClient agent = await checkpoint.AgentAsync();
        var missing = ImageId.Parse(new string('a', 64));

        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => agent.PrepareManagedAsync(
            PodmanCheckpoint.Step("noimage", 1, "prepare"), checkpoint.Wanted with { Image = missing }, 1 << 20, PodmanCheckpoint.Patience, Cancellation));
        AgentException untagged = await Assert.ThrowsAsync<AgentException>(() => agent.CheckManagedAsync(
            checkpoint.Wanted with { ImageName = ImageReference.Parse("localhost/busybox:older") }, PodmanCheckpoint.Patience, Cancellation));

        Assert.Equal((AgentErrorCode.NoImage, AgentErrorCode.NoImage), (refused.Code, untagged.Code));
        Assert.Contains("pull or load it there first", refused.Message, StringComparison.Ordinal);
        Assert.Contains("podman tag", untagged.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("podman create --name web localhost/busybox true", "podman rm web")]
    [InlineData("podman volume create web", "podman volume rm web")]
    public async Task A_name_that_is_taken_is_refused_before_anything_is_sent(string take, string free)
    {
        await using GuestAgentClient agent = await checkpoint.AgentAsync();
        await InGuestAsync(take);

        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => checkpoint.RestoreAsync(agent, PodmanCheckpoint.Step("taken", 1, "restore")));

        Assert.Equal(AgentErrorCode.ContainerExists, refused.Code);
        Assert.Contains(free, refused.Message, StringComparison.Ordinal);
        Assert.Equal("web", await InGuestAsync($"{free}"));
    }

    [Theory]
    [InlineData("podman create --name web localhost/busybox true", "podman rm web", "already in use")]
    [InlineData("podman volume create web && touch /var/lib/containers/storage/volumes/web/_data/theirs && sleep 2", "ls /var/lib/containers/storage/volumes/web/_data && podman volume rm web", "already exists")]
    public async Task What_takes_the_name_after_that_stays_and_nothing_else_is_left(string take, string free, string says)
    {
        await using GuestAgentClient agent = await checkpoint.AgentAsync();
        JobStep at = PodmanCheckpoint.Step("taken-late", 1, "restore");
        await checkpoint.PutAsync(agent, at);
        await InGuestAsync(take);

        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => agent.RestoreAsync(at, new RestoreOptions(), PodmanCheckpoint.Patience, Cancellation));

        Assert.Equal(AgentErrorCode.RestoreFailed, refused.Code);
        Assert.Contains(says, refused.LogTail, StringComparison.Ordinal);
        await agent.DestroyAsync(at, null, PodmanCheckpoint.Patience, Cancellation);
        await checkpoint.Guest.Console.CheckAsync(free, PodmanCheckpoint.Patience, Cancellation);
        Assert.Equal("", await InGuestAsync("podman ps -aq --external; podman volume ls -q"));
    }

    private Task<string> InGuestAsync(string command) => checkpoint.Guest.Console.CheckAsync(command + " || :", PodmanCheckpoint.Patience, Cancellation);
}

/// <summary>A guest, and a checkpoint that podman made there of a container with changed files and a volume; the container is gone.</summary>
public sealed class PodmanCheckpoint : IAsyncLifetime
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>What the changed file and the one in the volume hold, a line each.</summary>
    public const string Changed = "of the root\nof the volume";

    private const string Counting = "echo begun; i=0; while :; do i=$((i+1)); echo $i >/data/new; mv /data/new /data/count; sleep 0.05; done";

    private readonly string _folder = Directory.CreateTempSubdirectory("watari-podman-").FullName;
    private Guest? _guest;

    public Guest Guest => _guest!;

    public ContainerId Container { get; private set; }

    /// <summary>As a prepare wants it.</summary>
    public ManagedContainer Wanted { get; private set; } = null!;

    private string Images => Path.Combine(_folder, "images");

    private string Archive => Path.Combine(_folder, "archive.tar");

    public async ValueTask InitializeAsync()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        _guest = await Guest.StartAsync(new GuestOptions { Name = "adopting" }, cancellation);
        GuestConsole console = _guest.Console;
        Container = ContainerId.Parse(await console.CheckAsync(
            $"podman run -d --name web --network none -v web:/volume localhost/busybox sh -c '{Counting}'", Patience, cancellation));
        Wanted = new ManagedContainer
        {
            Engine = ContainerEngine.Podman,
            Id = Container,
            Name = ContainerId.Parse("web"),
            Image = ImageId.Parse(await console.CheckAsync("podman image inspect -f '{{.Id}}' localhost/busybox", Patience, cancellation)),
            ImageName = ImageReference.Parse("localhost/busybox:latest"),
            Volumes = [ContainerId.Parse("web")],
        };
        await console.CheckAsync(
            "podman exec web sh -c 'echo of the root >/data/changed; echo of the volume >/volume/kept' && podman container checkpoint -e /root/all.tar --compress none web && podman rm web && podman volume rm web",
            Patience, cancellation);
        await console.CheckAsync(
            "mkdir /root/all && tar -C /root/all -xf /root/all.tar && tar -C /root/all/checkpoint -czf /root/images.tgz . && tar -C /root/all --exclude=./checkpoint -czf /root/archive.tgz .",
            Patience, cancellation);
        Directory.CreateDirectory(Images);
        await using (Stream images = await BringAsync("/root/images.tgz")) await TarFile.ExtractToDirectoryAsync(images, Images, overwriteFiles: false, cancellation);
        await using (Stream rest = await BringAsync("/root/archive.tgz"))
        await using (FileStream archive = File.Create(Archive)) await rest.CopyToAsync(archive, cancellation);

        async Task<Stream> BringAsync(string file) => new GZipStream(
            new MemoryStream(Convert.FromBase64String(await console.CheckAsync($"base64 -w 0 {file}", Patience, cancellation))), CompressionMode.Decompress);
    }

    public static JobStep Step(string job, ulong epoch, string step) => new(JobId.Parse(job), new FencingEpoch(epoch), step);

    public Task<GuestAgentClient> AgentAsync() => GuestAgentClient.ConnectAsync(Guest.Directory.AgentSocket, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>All that comes before a thaw.</summary>
    public async Task<RestoreResult> RestoreAsync(GuestAgentClient agent, JobStep at)
    {
        await PutAsync(agent, at);
        return await agent.RestoreAsync(at, new RestoreOptions(), Patience, TestContext.Current.CancellationToken);
    }

    /// <summary>All that comes before a restore.</summary>
    public async Task PutAsync(GuestAgentClient agent, JobStep at)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await agent.PrepareManagedAsync(at with { Step = "prepare" }, Wanted, 1 << 20, Patience, cancellation);
        await using (FileStream archive = File.OpenRead(Archive)) await agent.PutArchiveAsync(at, archive, Patience, cancellation);
        await agent.PutImagesAsync(at, Images, Patience, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (_guest is not null) await _guest.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
