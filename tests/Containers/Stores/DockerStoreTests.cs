using System.Text;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Stores;

public sealed class DockerStoreTests
{
    private const string A = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", B = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    private const string Image = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
    private const string Containers = "/var/lib/docker/containers", Images = "/var/lib/docker/image/overlay2";

    [Theory]
    [InlineData("""{"Running":true,"StartedAt":"2026-01-01T00:00:00Z"}""", ContainerState.Running)]
    [InlineData("""{"Running":true,"Paused":true,"StartedAt":"2026-01-01T00:00:00Z"}""", ContainerState.Paused)]
    [InlineData("""{"Running":true,"Restarting":true}""", ContainerState.Restarting)]
    [InlineData("""{"RemovalInProgress":true}""", ContainerState.Removing)]
    [InlineData("""{"Dead":true}""", ContainerState.Dead)]
    [InlineData("""{"StartedAt":"0001-01-01T00:00:00Z"}""", ContainerState.Created)]
    [InlineData("""{"StartedAt":"2026-01-01T00:00:00Z","FinishedAt":"2026-01-01T00:00:01Z"}""", ContainerState.Exited)]
    [InlineData("null", ContainerState.Unknown)]
    public void States_are_Dockers(string state, ContainerState expected) =>
        Assert.Equal(expected, Read(new FileTree { [$"{Containers}/{A}/config.v2.json"] = $$"""{"State":{{state}}}""" }).State);

    [Theory]
    [InlineData("local", "books", "/var/lib/docker/volumes/books/_data")]
    [InlineData("local", "../books", null)]
    [InlineData("nfs", "books", null)]
    public void A_volume_is_where_docker_keeps_it_though_it_writes_that_of_some_nowhere(string driver, string name, string? source) => Assert.Equal(
        source,
        Read(new FileTree { [$"{Containers}/{A}/config.v2.json"] = $$$"""{"MountPoints":{"/b":{"Type":"volume","Name":"{{{name}}}","Source":"","Destination":"/b","Driver":"{{{driver}}}"} } }""" }).Mounts.Single().Source);

    [Theory]
    [InlineData("web", "web")]
    [InlineData("web:latest", "web:latest")]
    [InlineData("docker.io/library/web", "docker.io/library/web")]
    [InlineData("localhost/other:1", "localhost/other:1")]
    [InlineData("localhost:5000/web", Image)] // has no such name any more
    [InlineData("moved", Image)] // another image has the name now
    [InlineData("cccccccc", "cccccccc")]
    [InlineData(Image, Image)]
    public void An_image_is_called_what_it_was_made_by_unless_that_leads_elsewhere(string name, string shown)
    {
        var tree = new FileTree
        {
            [$"{Containers}/{A}/config.v2.json"] = $$$"""{"Image":"{{{Image}}}","Config":{"Image":"{{{name}}}"}}""",
            [$"{Images}/repositories.json"] = $$$$"""{"Repositories":{"web":{"web:latest":"{{{{Image}}}}"},"localhost/other":{"localhost/other:1":"{{{{Image}}}}"},"moved":{"moved:latest":"sha256:dd"}}}""",
        };

        Assert.Equal(shown, Read(tree).Image);
    }

    [Fact]
    public void Layers_are_found_by_the_links_of_their_short_names()
    {
        FileTree tree = new FileTree
        {
            [$"{Containers}/{A}/config.v2.json"] = "{}",
            [$"{Images}/layerdb/mounts/{A}/mount-id"] = B,
            [$"/var/lib/docker/overlay2/{B}/link"] = "UPPER",
            [$"/var/lib/docker/overlay2/{B}/lower"] = "l/INIT:l/BASE",
        }.Link("/var/lib/docker/overlay2/l/INIT", $"../{B}-init/diff").Link("/var/lib/docker/overlay2/l/BASE", "../base/diff");

        OverlayDirectories overlay = Read(tree).Overlay!;

        Assert.Equal([$"/var/lib/docker/overlay2/{B}-init/diff", "/var/lib/docker/overlay2/base/diff"], overlay.Lower);
        Assert.Equal($"/var/lib/docker/overlay2/{B}/diff", overlay.Upper);
    }

    [Theory]
    [InlineData("../../../../etc", "l/BASE", "../base/diff")]
    [InlineData(B, "l/../../x", "../base/diff")]
    [InlineData(B, "l/BASE", "../../../etc")]
    [InlineData(B, "l/BASE", "../../diff")]
    [InlineData(B, "/etc", "../base/diff")]
    [InlineData(B, "l/GONE", "../base/diff")]
    public void Layers_that_lead_out_of_their_directory_are_refused(string layer, string lower, string link)
    {
        FileTree tree = new FileTree
        {
            [$"{Containers}/{A}/config.v2.json"] = "{}",
            [$"{Images}/layerdb/mounts/{A}/mount-id"] = layer,
            [$"/var/lib/docker/overlay2/{B}/link"] = "UPPER",
            [$"/var/lib/docker/overlay2/{B}/lower"] = lower,
        }.Link("/var/lib/docker/overlay2/l/BASE", link);

        ContainerRecord record = Read(tree);

        Assert.Null(record.Overlay);
        Assert.Single(record.Unreadable);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"Name":"\ud800"}""")]
    [InlineData("""{"Created":"yesterday"}""")]
    [InlineData("""{"Created":"0001-01-01T00:00:00+14:00"}""")]
    [InlineData("""{"State":{"Pid":99999999999999}}""")]
    public void A_half_written_record_is_told_and_hides_no_other(string json)
    {
        var tree = new FileTree
        {
            [$"{Containers}/{A}/config.v2.json"] = json,
            [$"{Containers}/{A}/hostconfig.json"] = """{"RestartPolicy":{"Name":"always"}}""",
            [$"{Containers}/{B}/config.v2.json"] = """{"Name":"/b"}""",
        };

        IReadOnlyList<FoundContainer> found = Inventory.Of(tree).Containers;

        ContainerRecord damaged = found.Single(container => container.Id == A).Record!;
        Assert.Equal("always", damaged.RestartPolicy.Name);
        Assert.Contains("config.v2.json", Assert.Single(damaged.Unreadable).Path, StringComparison.Ordinal);
        Assert.Equal(["b"], found.Single(container => container.Id == B).Record!.Names);
    }

    [Fact]
    public void A_record_that_is_being_written_is_read_again()
    {
        int reads = 0;
        FileTree tree = new FileTree().Add($"{Containers}/{A}/config.v2.json", () => Encoding.UTF8.GetBytes(reads++ < 4 ? "{\"Name\"" + new string(' ', reads) : """{"Name":"/a"}"""));

        ContainerRecord record = Read(tree);

        Assert.Equal(["a"], record.Names);
        Assert.Empty(record.Unreadable);
    }

    [Fact]
    public void A_container_that_goes_away_is_none()
    {
        var tree = new FileTree { [$"{Containers}/{A}/checkpoints/none"] = "" };

        ContainerInventory inventory = Inventory.Of(tree);

        Assert.Empty(inventory.Containers);
        Assert.Empty(inventory.Unreadable);
    }

    [Theory]
    [InlineData("not-an-id")]
    [InlineData("AAAAAAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void What_is_no_id_is_no_container(string name) =>
        Assert.Empty(Inventory.Of(new FileTree { [$"{Containers}/{name}/config.v2.json"] = "{}" }).Containers);

    [Fact]
    public void Files_and_their_number_are_bounded()
    {
        var tree = new FileTree { [$"{Containers}/{A}/config.v2.json"] = $$"""{"Name":"{{new string('a', 5000)}}"}""", [$"{Containers}/{B}/config.v2.json"] = "{}" };

        ContainerInventory large = Inventory.Of(tree, new ContainerLimits { FileBytes = 4096 });
        ContainerInventory many = Inventory.Of(tree, new ContainerLimits { Containers = 1 });
        ContainerInventory all = Inventory.Of(tree, new ContainerLimits { TotalBytes = 5100 });

        Assert.Contains("5011 bytes", Assert.Single(large.Containers.Single(container => container.Id == A).Record!.Unreadable).Reason, StringComparison.Ordinal);
        Assert.Single(many.Containers);
        Assert.Contains("more than 1 containers", Assert.Single(many.Unreadable).Reason, StringComparison.Ordinal);
        Assert.All(all.Containers, container => Assert.True(container.Record!.Unreadable.Count <= 1));
    }

    [Fact]
    public void Sizes_are_those_of_what_was_written_and_of_the_images_layers()
    {
        const string Layer = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
        var tree = new FileTree
        {
            [$"{Containers}/{A}/config.v2.json"] = "{}",
            [$"{Images}/layerdb/mounts/{A}/mount-id"] = B,
            [$"{Images}/layerdb/mounts/{A}/parent"] = "sha256:" + A,
            [$"{Images}/layerdb/sha256/{A}/size"] = "1000",
            [$"{Images}/layerdb/sha256/{A}/parent"] = "sha256:" + Layer,
            [$"{Images}/layerdb/sha256/{Layer}/size"] = "20",
            [$"/var/lib/docker/overlay2/{B}/link"] = "UPPER",
            [$"/var/lib/docker/overlay2/{B}/diff/etc/new"] = "abc",
        };

        Assert.Equal(new ContainerSize(3, 1023), Read(tree).Size);
        tree[$"{Images}/layerdb/sha256/{Layer}/parent"] = "sha256:" + A; // in a circle
        Assert.Contains("layers", Assert.Single(Read(tree).Unreadable).Reason, StringComparison.Ordinal);
        tree[$"{Images}/layerdb/mounts/{A}/parent"] = "sha256:../../../etc";
        Assert.Contains("no layer", Assert.Single(Read(tree).Unreadable).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_look_that_takes_too_long_is_ended() =>
        Assert.NotEmpty(Inventory.Of(new FileTree { [$"{Containers}/{A}/config.v2.json"] = "{}" }, new ContainerLimits { Duration = TimeSpan.FromTicks(-1) }).Unreadable);

    [Fact]
    public void Json_that_is_too_deep_is_told() =>
        Assert.Single(Read(new FileTree { [$"{Containers}/{A}/config.v2.json"] = $$"""{"Other":{{new string('[', 100_000)}}""" }).Unreadable);

    private static ContainerRecord Read(FileTree tree)
    {
        ContainerRecord record = Assert.Single(Inventory.Of(tree).Containers).Record!;
        Assert.Equal(ContainerRuntime.Docker, record.Runtime);
        return record;
    }
}
