using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Stores;

public sealed class RuncStoreTests
{
    private const string State = """{"id":"redis","init_process_pid":812,"created":"2026-01-02T03:04:05.6Z","config":{"rootfs":"/b/rootfs","labels":["x=y","bundle=/b"]}}""";

    [Fact]
    public void A_container_with_what_its_bundle_says()
    {
        var tree = new FileTree
        {
            ["/run/runc/redis/state.json"] = State,
            ["/b/config.json"] = """{"process":{"args":["redis-server","--port","0"]},"mounts":[{"destination":"/data","type":"bind","source":"/srv","options":["rbind","ro"]},{"destination":"/proc","type":"proc","source":"proc"}]}""",
        };

        ContainerRecord record = Assert.Single(Inventory.Of(tree).Containers).Record!;

        Assert.Equal((ContainerRuntime.Runc, "redis", 812, ContainerState.Running), (record.Runtime, record.Id.ToString(), record.RootPid, record.State));
        Assert.Equal(["redis-server", "--port", "0"], record.Command);
        Assert.Equal([new ContainerMount("bind", null, "/srv", "/data", null, IsReadOnly: true)], record.Mounts);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 600, TimeSpan.Zero), record.Created);
    }

    [Fact]
    public void One_that_was_created_and_never_started_waits_at_its_pipe() =>
        Assert.Equal(ContainerState.Created, Assert.Single(Inventory.Of(new FileTree { ["/run/runc/redis/state.json"] = State, ["/run/runc/redis/exec.fifo"] = "" }).Containers).State);

    [Theory]
    [InlineData("{")]
    [InlineData("""{"init_process_pid":"x"}""")]
    [InlineData("""{"config":{"labels":["bundle=\ud800"]}}""")]
    public void A_state_that_is_none_is_told(string state) =>
        Assert.Single(Assert.Single(Inventory.Of(new FileTree { ["/run/runc/redis/state.json"] = state }).Containers).Record!.Unreadable);

    [Fact]
    public void A_bundle_that_leads_nowhere_is_none()
    {
        var tree = new FileTree { ["/run/runc/redis/state.json"] = """{"config":{"labels":["bundle=../../.."]}}""" };

        Assert.Empty(Assert.Single(Inventory.Of(tree).Containers).Record!.Command);
    }
}
