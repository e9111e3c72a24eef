using System.Diagnostics;
using System.Text.Json.Nodes;
using Watari.Containers;
using Watari.Containers.Listing;
using Watari.Introspection.Containers;

namespace Watari.SystemTests.Containers;

/// <summary>Podman's containers from outside, beside what podman itself says; nothing is synced before.</summary>
public abstract class PodmanTests(EngineGuest guest)
{
    private const string Ps = "podman ps -a --format json";

    /// <summary>What podman fills in only when it is asked (--ns, --size, --pod), and what it does not keep.</summary>
    private static readonly string[] s_notRead = ["Namespaces", "Size", "PodName", "CIDFile", "ExposedPorts"];

    [Fact]
    public async Task Containers_are_listed_as_podman_ps_does()
    {
        var listed = await guest.ListAsync(Ps);
        ContainerInventory inventory = guest.Inventory();

        Assert.Empty(inventory.Unreadable);
        Assert.All(inventory.Containers, container => Assert.Empty(container.Record!.Unreadable));
        Assert.Equal(["created", "exited", "paused", "running"], listed.Rows.Select(row => (string)row["State"]!).Order(StringComparer.Ordinal));
        AssertListed(listed, inventory);
    }

    /// <summary>What podman ps leaves out, by podman inspect.</summary>
    [Fact]
    public async Task Containers_are_described_as_podman_inspect_does()
    {
        ContainerInventory inventory = guest.Inventory();
        JsonObject[] inspected = [.. JsonNode.Parse(await guest.InAsync("podman inspect $(podman ps -aq --no-trunc)"))!.AsArray().Select(node => node!.AsObject())];

        Assert.Equal(4, inspected.Length);
        foreach (JsonObject theirs in inspected)
        {
            FoundContainer container = inventory.Containers.Single(found => found.Id == (string)theirs["Id"]!);
            ContainerRecord ours = container.Record!;
            JsonNode host = theirs["HostConfig"]!, layers = theirs["GraphDriver"]!["Data"]!;
            Assert.Equal((string)host["LogConfig"]!["Path"]!, ours.LogPath);
            Assert.Equal((string)host["LogConfig"]!["Type"]!, ours.LogDriver);
            // What was not said is no to podman 5, and nothing to podman 4.
            Assert.Equal((string)host["RestartPolicy"]!["Name"]! is { Length: > 0 } policy ? policy : "no", ours.RestartPolicy.Name ?? "no");
            Assert.Equal((int)host["RestartPolicy"]!["MaximumRetryCount"]!, ours.RestartPolicy.MaximumRetryCount);
            Assert.Equal((string)theirs["OCIRuntime"]!, ours.OciRuntime);
            Assert.Equal(((string)layers["LowerDir"]!).Split(':'), ours.Overlay!.Lower);
            Assert.Equal(((string)layers["UpperDir"]!, (string)layers["WorkDir"]!), (ours.Overlay.Upper, ours.Overlay.Work));
            Assert.Equal(
                theirs["Mounts"]!.AsArray().Select(mount => ((string)mount!["Type"]!, (string?)mount["Name"], (string)mount["Source"]!, (string)mount["Destination"]!, !(bool)mount["RW"]!)),
                ours.Mounts.Select(mount => (mount.Type, mount.Name, mount.Source!, mount.Destination, mount.IsReadOnly)));
            Assert.Equal((container.RootPid is null, container.Contradiction), (container.Live is null, null));
        }
    }

    /// <summary>The files are not synced, the agent is not asked: what podman has just done is seen at the next look.</summary>
    [Fact]
    public async Task A_change_is_seen_at_once()
    {
        string id = await guest.InAsync("podman create --name changing --network none localhost/busybox sleep 1000");
        (string Command, ContainerState State)[] changes =
        [
            ("true", ContainerState.Created), ("podman start changing", ContainerState.Running), ("podman pause changing", ContainerState.Paused), ("podman unpause changing", ContainerState.Running),
            ("podman rename changing changed", ContainerState.Running), ("podman kill changed; podman wait changed", ContainerState.Exited), ("podman start changed", ContainerState.Running),
        ];
        try
        {
            foreach ((string command, ContainerState state) in changes)
            {
                await guest.InAsync(command);
                long began = Stopwatch.GetTimestamp();
                ContainerInventory inventory = guest.Inventory();
                TimeSpan took = Stopwatch.GetElapsedTime(began);

                FoundContainer seen = inventory.Containers.Single(container => container.Id == id);
                Assert.True(seen.State == state && seen.Contradiction is null, $"after {command}: {seen.State}, {seen.Contradiction}");
                TestContext.Current.TestOutputHelper!.WriteLine($"the look took {took.TotalSeconds:0.00} s");
                AssertListed(await guest.ListAsync(Ps), inventory);
            }
        }
        finally
        {
            await guest.InAsync("podman rm -f -t 0 $(podman ps -aq --filter name=chang)");
        }

        Assert.DoesNotContain(guest.Inventory().Containers, container => container.Id == id);
    }

    /// <summary>Without a record, what its cgroup and its processes tell; with runc's alone, what runc knows.</summary>
    [Fact]
    public async Task Containers_of_runc_and_of_nobody_are_found_too()
    {
        await guest.InAsync("watari-run counter");
        await guest.InAsync("mkdir /sys/fs/cgroup/mystery && (echo 0 >/sys/fs/cgroup/mystery/cgroup.procs; exec setsid unshare --pid --fork sleep 1000 >/dev/null 2>&1 </dev/null &) && until cat $(sed 's#.*#/proc/&/comm#' /sys/fs/cgroup/mystery/cgroup.procs) 2>/dev/null | grep -qx sleep; do sleep 0.05; done");
        try
        {
            ContainerInventory inventory = guest.Inventory();

            FoundContainer counter = inventory.Containers.Single(container => container.Id == "counter");
            Assert.Equal((ContainerRuntime.Runc, ContainerState.Running, "/var/lib/watari/bundles/counter"), (counter.Runtime, counter.State, counter.Record!.Bundle));
            Assert.Equal(["/bin/counter"], counter.Record.Command);
            FoundContainer mystery = inventory.Containers.Single(container => container.Id == "mystery");
            Assert.Equal((ContainerState.Running, null), (mystery.State, mystery.Record));
            Assert.Equal("sleep", await guest.InAsync($"cat /proc/{mystery.RootPid}/comm"));
        }
        finally
        {
            await guest.InAsync("kill -KILL $(cat /sys/fs/cgroup/mystery/cgroup.procs); until rmdir /sys/fs/cgroup/mystery 2>/dev/null; do sleep 0.05; done; runc delete -f counter");
        }
    }

    private static void AssertListed((IReadOnlyList<JsonObject> Rows, DateTimeOffset From, DateTimeOffset To) listed, ContainerInventory inventory)
    {
        // Podman 4 says "Up 3 seconds ago" where podman 5 and Docker say "Up 3 seconds".
        foreach (JsonObject row in listed.Rows)
            if ((string)row["Status"]! is var status && status.StartsWith("Up ", StringComparison.Ordinal) && status.EndsWith(" ago", StringComparison.Ordinal)) row["Status"] = status[..^4];
        EngineGuest.AssertSame(listed, now => inventory.Containers.Select(container => PodmanPs.Of(container, now)), "Id", s_notRead);
    }
}

[Collection(nameof(Podman5Guest))]
public sealed class Podman5Tests(Podman5Guest guest) : PodmanTests(guest);

[Collection(nameof(Podman4Guest))]
public sealed class Podman4Tests(Podman4Guest guest) : PodmanTests(guest);
