using System.Diagnostics;
using System.Text.Json.Nodes;
using Watari.Containers;
using Watari.Containers.Listing;
using Watari.Hypervisor;
using Watari.Introspection.Containers;

namespace Watari.SystemTests.Containers;

/// <summary>Docker's containers from outside, beside what Docker itself says; nothing is synced before.</summary>
public abstract class DockerTests(EngineGuest guest)
{
    private const string Ps = "docker ps -a --no-trunc --format '{{json .}}'";

    [Fact]
    public async Task Containers_are_listed_as_docker_ps_does()
    {
        var listed = await guest.ListAsync(Ps);
        ContainerInventory inventory = guest.Inventory(withSizes: true);

        Assert.Empty(inventory.Unreadable);
        Assert.All(inventory.Containers, container => Assert.Empty(container.Record!.Unreadable));
        Assert.Equal(["created", "exited", "paused", "running"], listed.Rows.Select(row => (string)row["State"]!).Order(StringComparer.Ordinal));
        AssertListed(listed, inventory);
    }

    /// <summary>What docker ps leaves out, by docker inspect.</summary>
    [Fact]
    public async Task Containers_are_described_as_docker_inspect_does()
    {
        ContainerInventory inventory = guest.Inventory();
        JsonObject[] inspected = [.. JsonNode.Parse(await guest.InAsync("docker inspect $(docker ps -aq --no-trunc)"))!.AsArray().Select(node => node!.AsObject())];

        Assert.Equal(4, inspected.Length);
        foreach (JsonObject theirs in inspected)
        {
            FoundContainer container = inventory.Containers.Single(found => found.Id == (string)theirs["Id"]!);
            ContainerRecord ours = container.Record!;
            JsonNode state = theirs["State"]!, host = theirs["HostConfig"]!, layers = theirs["GraphDriver"]!["Data"]!;
            Assert.Equal((string)theirs["Name"]!, "/" + ours.Names.Single());
            Assert.Equal([(string)theirs["Path"]!, .. theirs["Args"]!.AsArray().Select(argument => (string)argument!)], ours.Command);
            Assert.Equal((string)theirs["Image"]!, ours.ImageId);
            Assert.Equal((string)theirs["LogPath"]!, ours.LogPath ?? "");
            Assert.Equal((string)host["LogConfig"]!["Type"]!, ours.LogDriver);
            Assert.Equal((string)host["RestartPolicy"]!["Name"]!, ours.RestartPolicy.Name);
            Assert.Equal((int)host["RestartPolicy"]!["MaximumRetryCount"]!, ours.RestartPolicy.MaximumRetryCount);
            Assert.Equal((bool)host["AutoRemove"]!, ours.IsAutoRemoved);
            Assert.Equal((string)host["Runtime"]!, ours.OciRuntime);
            Assert.Equal((string)state["Status"]!, container.State.ToString().ToLowerInvariant());
            Assert.Equal((int)state["Pid"]!, container.RootPid ?? 0);
            Assert.Equal((int)state["ExitCode"]!, ours.ExitCode);
            Assert.Equal(Moment(theirs["Created"]), ours.Created);
            Assert.Equal(Moment(state["StartedAt"]), ours.Started);
            Assert.Equal(Moment(state["FinishedAt"]), ours.Finished);
            Assert.Equal((int)theirs["RestartCount"]!, ours.RestartCount);
            Assert.Equal(((string)layers["LowerDir"]!).Split(':'), ours.Overlay!.Lower);
            Assert.Equal(((string)layers["UpperDir"]!, (string)layers["WorkDir"]!, (string)layers["MergedDir"]!), (ours.Overlay.Upper, ours.Overlay.Work, ours.Overlay.Merged));
            Assert.Equal(
                theirs["Mounts"]!.AsArray().Select(mount => new ContainerMount((string)mount!["Type"]!, (string?)mount["Name"], (string)mount["Source"]!, (string)mount["Destination"]!, (string?)mount["Driver"], !(bool)mount["RW"]!)),
                ours.Mounts);
            Assert.Equal((container.RootPid is null, container.Contradiction), (container.Live is null, null));
        }
    }

    /// <summary>The files are not synced, the agent is not asked: what Docker has just done is seen at the next look.</summary>
    [Fact]
    public async Task A_change_is_seen_at_once()
    {
        string id = await guest.InAsync("docker create --name changing --network none localhost/busybox sleep 1000");
        (string Command, ContainerState State)[] changes =
        [
            ("true", ContainerState.Created), ("docker start changing", ContainerState.Running), ("docker pause changing", ContainerState.Paused), ("docker unpause changing", ContainerState.Running),
            ("docker rename changing changed", ContainerState.Running), ("docker kill changed; docker wait changed", ContainerState.Exited), ("docker start changed", ContainerState.Running),
        ];
        try
        {
            foreach ((string command, ContainerState state) in changes)
            {
                await guest.InAsync(command);
                long began = Stopwatch.GetTimestamp();
                ContainerInventory inventory = guest.Inventory(withSizes: true);
                TimeSpan took = Stopwatch.GetElapsedTime(began);

                FoundContainer seen = inventory.Containers.Single(container => container.Id == id);
                Assert.True(seen.State == state && seen.Contradiction is null, $"after {command}: {seen.State}, {seen.Contradiction}");
                TestContext.Current.TestOutputHelper!.WriteLine($"the look took {took.TotalSeconds:0.00} s");
                AssertListed(await guest.ListAsync(Ps), inventory);
            }
        }
        finally
        {
            await guest.InAsync("docker rm -f $(docker ps -aq --filter name=chang)");
        }

        Assert.DoesNotContain(guest.Inventory().Containers, container => container.Id == id);
    }

    [Fact]
    public async Task What_is_written_and_what_runs_are_told_apart()
    {
        string id = await guest.InAsync("docker run -d --name orphan --network none localhost/busybox sleep 1000");
        FoundContainer Look() => guest.Inventory().Containers.Single(container => container.Id == id);
        Assert.Equal((ContainerState.Running, (string?)null), (Look().State, Look().Contradiction));
        string runtimes = await guest.InAsync("echo $(pidof dockerd containerd containerd-shim-runc-v2)");
        try
        {
            // Nobody is there to see it end, nor to write that down.
            await guest.InAsync($"kill -STOP {runtimes}; kill -KILL {Look().RootPid}; while grep -q '^State:.[^Z]' /proc/{Look().RootPid ?? 0}/status 2>/dev/null; do sleep 0.05; done");

            FoundContainer ended = Look();
            Assert.Equal((ContainerState.Running, ContainerState.Stopped, (int?)null), (ended.Record!.State, ended.State, ended.RootPid));
            Assert.Contains("no process of it lives", ended.Contradiction, StringComparison.Ordinal);
            Assert.Equal("exited", DockerPs.Of(ended, DateTimeOffset.UtcNow).State);
        }
        finally
        {
            await guest.InAsync($"kill -CONT {runtimes}; docker wait orphan; docker rm -f orphan");
        }
    }

    [Fact]
    public async Task A_container_of_containerd_is_found_too()
    {
        const string Ctr = "ctr -a /run/docker/containerd/containerd.sock";
        await guest.InAsync($"{Ctr} run -d --label a=b --rootfs /var/lib/watari/images/busybox plain /bin/sleep 1000");
        try
        {
            FoundContainer plain = guest.Inventory().Containers.Single(container => container.Id == "plain");

            Assert.Equal((ContainerRuntime.Containerd, ContainerState.Running, (string?)null), (plain.Runtime, plain.State, plain.Contradiction));
            Assert.Equal(["/bin/sleep", "1000"], plain.Record!.Command);
            Assert.Equal("b", plain.Record.Labels!["a"]);
            Assert.Equal(await guest.InAsync("cat /sys/fs/cgroup/default/plain/cgroup.procs"), $"{plain.RootPid}");
        }
        finally
        {
            await guest.InAsync($"{Ctr} tasks kill -s KILL plain; until {Ctr} containers delete plain 2>/dev/null; do sleep 0.1; done");
        }
    }

    [Fact]
    public async Task A_guest_that_stands_still_is_listed()
    {
        HashSet<string> before = [.. guest.Inventory().Containers.Select(container => container.Id)];
        await using PausedVm still = await guest.Vm.HoldAsync(TestContext.Current.CancellationToken);

        long began = Stopwatch.GetTimestamp();
        ContainerInventory inventory = guest.Inventory();

        TestContext.Current.TestOutputHelper!.WriteLine($"it took {Stopwatch.GetElapsedTime(began).TotalSeconds:0.00} s");
        Assert.Equal(before, [.. inventory.Containers.Select(container => container.Id)]);
    }

    private static void AssertListed((IReadOnlyList<JsonObject> Rows, DateTimeOffset From, DateTimeOffset To) listed, ContainerInventory inventory) =>
        EngineGuest.AssertSame(listed, now => inventory.Containers.Select(container => DockerPs.Of(container, now)), "ID");

    private static DateTimeOffset? Moment(JsonNode? time) => time!.GetValue<DateTimeOffset>() is var moment && moment == DateTimeOffset.MinValue ? null : moment;
}

[Collection(nameof(Docker26Guest))]
public sealed class Docker26Tests(Docker26Guest guest) : DockerTests(guest);

[Collection(nameof(Docker20Guest))]
public sealed class Docker20Tests(Docker20Guest guest) : DockerTests(guest);
