using System.Text;
using System.Text.Json;
using Watari.Containers.Dumps;

namespace Watari.Containers.Tests.Dumps;

public sealed class ContainerDumpsTests
{
    private const string Spec = """{"ociVersion":"1.0.2","annotations":{"io.container.manager":"libpod"}, "unknown":[1] }""";

    /// <summary>Of what podman itself has written.</summary>
    [Theory]
    [InlineData("podman-4.3.1.tgz")]
    [InlineData("podman-5.4.2.tgz")]
    public void Podmans_own_documents_are_taken_as_they_are(string archive)
    {
        FileTree files = FileTree.FromArchive(archive, "/var/lib/containers/storage");
        FoundContainer container = Inventory.Of(files).Containers.Single(found => found.Record!.Names.Single() == "exited");
        files[$"/var/lib/containers/storage/overlay-containers/{container.Id}/userdata/config.json"] = Spec;

        ContainerDumps dumps = ContainerDumps.Read(container, files);

        JsonElement config = JsonElement.Parse(dumps.Config.Span);
        Assert.Equal((container.Id, "exited", "localhost/busybox:latest"), (config.GetProperty("id").GetString(), config.GetProperty("name").GetString(), config.GetProperty("rootfsImageName").GetString()));
        // Fields that nobody here knows by name: podman needs them to make the container again.
        Assert.True(config.TryGetProperty("conmonPidFile", out _) && config.TryGetProperty("idMappingsOptions", out _), config.ToString());
        Assert.Equal(Spec, Encoding.UTF8.GetString(dumps.Spec.Span));
        Assert.Equal(JsonValueKind.Object, JsonElement.Parse(dumps.NetworkStatus.Span).ValueKind);
        Assert.Equal($"/var/lib/containers/storage/overlay-containers/{container.Id}/userdata/shm", dumps.ShmDirectory);
    }

    [Fact]
    public void Of_runc_there_is_what_its_bundle_says()
    {
        var files = new FileTree
        {
            ["/run/runc/redis/state.json"] = """{"id":"redis","created":"2026-01-02T03:04:05.6Z","config":{"labels":["bundle=/b"]}}""",
            ["/b/config.json"] = Spec,
        };

        ContainerDumps dumps = ContainerDumps.Read(Assert.Single(Inventory.Of(files).Containers), files);

        JsonElement config = JsonElement.Parse(dumps.Config.Span);
        Assert.Equal(("redis", "redis", "runc", "/b"), (config.GetProperty("id").GetString(), config.GetProperty("name").GetString(), config.GetProperty("runtime").GetString(), config.GetProperty("bundle").GetString()));
        Assert.Equal(Spec, Encoding.UTF8.GetString(dumps.Spec.Span));
        Assert.Null(dumps.ShmDirectory);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("""{"annotations":""")]
    [InlineData("[]")]
    public void A_spec_that_is_none_is_told(string? spec)
    {
        var files = new FileTree { ["/run/runc/redis/state.json"] = """{"id":"redis","config":{"labels":["bundle=/b"]}}""" };
        if (spec is not null) files["/b/config.json"] = spec;

        Assert.Throws<ContainerStoreException>(() => ContainerDumps.Read(Assert.Single(Inventory.Of(files).Containers), files));
    }
}
