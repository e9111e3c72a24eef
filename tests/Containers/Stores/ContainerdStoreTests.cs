using System.Buffers.Binary;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Watari.Containers.Tests.Bolt;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Stores;

public sealed class ContainerdStoreTests
{
    private const string Database = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

    [Fact]
    public void A_container_of_each_namespace()
    {
        ContainerInventory inventory = Inventory.Of(new FileTree().Add(Database, Meta("web", Any("""{"process":{"args":["sleep","9"]}}"""))));

        Assert.Empty(inventory.Unreadable);
        ContainerRecord record = Assert.Single(inventory.Containers).Record!;
        Assert.Equal((ContainerRuntime.Containerd, "web", "docker.io/library/busybox:latest", "io.containerd.runc.v2"), (record.Runtime, record.Id.ToString(), record.Image, record.OciRuntime));
        Assert.Equal(["sleep", "9"], record.Command);
        Assert.Equal("b", record.Labels!["a"]);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 600, TimeSpan.Zero), record.Created);
    }

    [Fact]
    public void An_id_that_is_none_and_a_spec_that_is_none_are_told()
    {
        ContainerInventory badId = Inventory.Of(new FileTree().Add(Database, Meta("../web", [])));
        ContainerRecord badSpec = Assert.Single(Inventory.Of(new FileTree().Add(Database, Meta("web", [0x12, 0xff, 0xff, 0x03]))).Containers).Record!;

        Assert.Empty(badId.Containers);
        Assert.Single(badId.Unreadable);
        Assert.Single(badSpec.Unreadable);
    }

    [Fact]
    public void Docker_knows_more_of_a_container_that_both_have()
    {
        string id = new('a', 64);
        FileTree tree = new FileTree
        {
            [$"/var/lib/docker/containers/{id}/config.v2.json"] = """{"Name":"/web","State":{"Running":true}}""",
            [$"/run/docker/runtime-runc/moby/{id}/state.json"] = """{"init_process_pid":77,"config":{"labels":["bundle=/b"]}}""",
        }.Add("/var/lib/docker/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db", Meta(id, Any("""{"process":{"args":["sleep"]}}""")));

        FoundContainer container = Assert.Single(Inventory.Of(tree).Containers);

        Assert.Equal((ContainerRuntime.Docker, "web", ContainerState.Running), (container.Runtime, container.Record!.Names.Single(), container.State));
        Assert.Equal((77, "/b"), (container.Record.RootPid, container.Record.Bundle));
    }

    private static byte[] Any(string spec) => new Any { TypeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Spec", Value = ByteString.CopyFromUtf8(spec) }.ToByteArray();

    private static byte[] Meta(string id, byte[] spec)
    {
        byte[] created = new byte[15];
        created[0] = 1;
        var moment = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        BinaryPrimitives.WriteInt64BigEndian(created.AsSpan(1), moment.Ticks / TimeSpan.TicksPerSecond);
        BinaryPrimitives.WriteInt32BigEndian(created.AsSpan(9), 600_000_000);
        byte[] container = BoltBuilder.InPlace(
            ("createdat", created, false), ("image", "docker.io/library/busybox:latest"u8.ToArray(), false), Bucket("labels", ("a", "b"u8.ToArray(), false)),
            Bucket("runtime", ("name", "io.containerd.runc.v2"u8.ToArray(), false)), ("spec", spec, false));
        return new BoltBuilder()
            .Leaf(3, ("v1", BoltBuilder.BucketAt(4), true))
            .Leaf(4, ("default", BoltBuilder.BucketAt(5), true), ("empty", BoltBuilder.BucketAt(0, BoltBuilder.InPlace()), true), ("version", [1], false))
            .Leaf(5, ("containers", BoltBuilder.BucketAt(6), true))
            .Leaf(6, (id, BoltBuilder.BucketAt(0, container), true))
            .Build(root: 3);
    }

    private static (string, byte[], bool) Bucket(string key, params (string, byte[], bool)[] elements) => (key, BoltBuilder.BucketAt(0, BoltBuilder.InPlace(elements)), true);
}
