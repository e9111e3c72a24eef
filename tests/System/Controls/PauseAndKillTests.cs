using Watari.GrainInterfaces.Model;
using Watari.Guests;
using Watari.SystemTests.Kernels;

namespace Watari.SystemTests.Controls;

/// <summary>Containers of runc are paused, unpaused and sent signals from outside, on each kernel; what the guest then says of them.</summary>
public sealed class PauseAndKillTests
{
    private const string State = "cat /sys/fs/cgroup/counter/cgroup.freeze; grep frozen /sys/fs/cgroup/counter/cgroup.events; runc state counter | grep -o '\"status\": \"[a-z]*\"'";
    private const string Paused = "1\nfrozen 1\n\"status\": \"paused\"";
    private const string Running = "0\nfrozen 0\n\"status\": \"running\"";

    public static TheoryData<GuestShape> Shapes => KernelMatrixTests.Shapes;

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public async Task A_container_paused_from_outside_is_paused_for_the_guest_too_and_goes_on_without_a_gap(GuestShape shape)
    {
        await using ControlledGuest guest = await ControlledGuest.StartAsync(shape.Options);
        // An empty cgroup below it has nobody to tell the kernel that it is frozen.
        await guest.InAsync("watari-run counter && mkdir /sys/fs/cgroup/counter/empty");
        IReadOnlyList<string> complaints = await guest.Inside.ComplaintsAsync(TestContext.Current.CancellationToken); // of the boot

        await guest.PauseAsync("counter");
        Assert.Equal(Paused, await guest.InAsync(State));
        Assert.Equal("frozen 1", await guest.InAsync("grep frozen /sys/fs/cgroup/counter/empty/cgroup.events"));
        string[] used = (await guest.InAsync("for i in 1 2; do grep usage_usec /sys/fs/cgroup/counter/cpu.stat; sleep 0.3; done")).Split('\n');
        Assert.Equal(used[0], used[1]);
        await AssertRefusedAsync("is paused already.", () => guest.PauseAsync("counter"));

        await guest.UnpauseAsync("counter");
        Assert.Equal(Running, await guest.InAsync(State));
        await AssertRefusedAsync("is not paused.", () => guest.UnpauseAsync("counter"));

        // Each undoes what the other has done.
        await guest.PauseAsync("counter");
        await guest.InAsync("runc resume counter");
        Assert.Equal(Running, await guest.InAsync(State));
        await guest.InAsync("runc pause counter");
        await guest.UnpauseAsync("counter");
        Assert.Equal(Running, await guest.InAsync(State));
        Assert.Equal("frozen 0", await guest.InAsync("grep frozen /sys/fs/cgroup/counter/empty/cgroup.events"));

        await guest.InAsync("rmdir /sys/fs/cgroup/counter/empty; runc exec counter /bin/counter --report");
        Assert.Equal(complaints, await guest.Inside.ComplaintsAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public async Task A_signal_from_outside_is_handled_held_back_or_ignored_as_one_from_inside(GuestShape shape)
    {
        await using ControlledGuest guest = await ControlledGuest.StartAsync(shape.Options);
        await guest.InAsync("watari-run redis && watari-run counter && runc exec redis /usr/bin/redis-cli -s /run/redis.sock config set save '3600 1' && runc exec redis /usr/bin/redis-cli -s /run/redis.sock set key value");
        IReadOnlyList<string> complaints = await guest.Inside.ComplaintsAsync(TestContext.Current.CancellationToken); // of the boot

        // A container's first process gets no signal that it has no handler for.
        EngineReport ignored = await guest.KillAsync("counter", 10);
        Assert.Contains("ignores SIGUSR1", Assert.Single(ignored.Objections!.Value).Reason, StringComparison.Ordinal);
        await AssertRefusedAsync("have the agent in the guest send it", () => guest.KillAsync("counter", 19));
        await guest.InAsync("runc exec counter /bin/counter --report");

        // One that is paused has it when it runs on, and redis saves before it ends.
        await guest.PauseAsync("redis");
        await guest.KillAsync("redis", 15);
        await guest.InAsync("runc state redis | grep paused && ! ls /var/lib/watari/bundles/redis/rootfs/data/dump.rdb 2>/dev/null");
        await guest.UnpauseAsync("redis");
        await UntilEndedAsync("redis");
        await guest.InAsync("ls /var/lib/watari/bundles/redis/rootfs/data/dump.rdb");

        await guest.InAsync("runc delete redis && watari-run redis");
        await guest.KillAsync("redis", 15);
        await UntilEndedAsync("redis");

        await guest.KillAsync("counter", 9);
        await UntilEndedAsync("counter");
        Assert.Equal(FailureKind.NotFound, (await Assert.ThrowsAsync<EngineException>(() => Failures(() => guest.KillAsync("counter", 9)))).Kind);
        Assert.Equal(complaints, await guest.Inside.ComplaintsAsync(TestContext.Current.CancellationToken));

        Task UntilEndedAsync(string container) => guest.InAsync($"until runc state {container} | grep -q '\"status\": \"stopped\"'; do :; done");
    }

    [Fact]
    public async Task Docker_sees_what_is_done_to_processes_and_keeps_its_own_record_of_pauses()
    {
        await using ControlledGuest guest = await ControlledGuest.StartAsync(new GuestOptions { Name = "docker", Setup = "watari-docker", MemoryMiB = 768 });
        string id = await guest.InAsync("docker run -d --name box --network none localhost/busybox sh -c 'trap \"exit 7\" TERM; while :; do sleep 1; done'");
        Task<string> StateAsync() => guest.InAsync("docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' box; cat /sys/fs/cgroup/docker/" + id + "/cgroup.freeze");

        await guest.PauseAsync(id);
        Assert.Equal("running 0\n1", await StateAsync());
        await guest.UnpauseAsync(id);
        Assert.Equal("running 0\n0", await StateAsync());

        await guest.InAsync("docker pause box");
        await guest.UnpauseAsync(id);
        Assert.Equal("paused 0\n0", await StateAsync());
        // Paused again, it is what Docker takes it for.
        await guest.PauseAsync(id);
        await guest.InAsync("docker unpause box");
        Assert.Equal("running 0\n0", await StateAsync());

        await guest.KillAsync(id, 15);
        Assert.Equal("7", await guest.InAsync("docker wait box"));
        await guest.InAsync("docker start box");
        await guest.KillAsync(id, 9);
        Assert.Equal("137", await guest.InAsync("docker wait box"));
    }

    [Fact]
    public async Task The_agent_leaves_behind_what_the_host_does_and_sends_what_the_host_cannot()
    {
        await using ControlledGuest guest = await ControlledGuest.StartAsync(new GuestOptions());
        await guest.InAsync("watari-run counter");

        await guest.PauseAsync("counter", Actor.Agent);
        Assert.Equal(Paused, await guest.InAsync(State));
        await guest.UnpauseAsync("counter");
        Assert.Equal(Running, await guest.InAsync(State));
        await guest.PauseAsync("counter");
        await guest.UnpauseAsync("counter", Actor.Agent);
        Assert.Equal(Running, await guest.InAsync(State));

        await guest.KillAsync("counter", 19, Actor.Agent);
        const string stopped = "grep -q '^State:.T' /proc/$(head -1 /sys/fs/cgroup/counter/cgroup.procs)/status";
        await guest.InAsync($"until {stopped}; do :; done");
        await guest.KillAsync("counter", 18, Actor.Agent);
        await guest.InAsync($"until ! {stopped}; do :; done; runc exec counter /bin/counter --report");
    }

    private static Task<EngineReport> Failures(Func<Task<EngineReport>> act) => Silo.Engine.Failures.ExplainAsync("guest", act);

    private static async Task AssertRefusedAsync(string says, Func<Task<EngineReport>> act)
    {
        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => Failures(act));
        Assert.Equal(FailureKind.Refused, refusal.Kind);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }
}
