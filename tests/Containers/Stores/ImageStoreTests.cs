using System.Security.Cryptography;
using System.Text;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Stores;

public sealed class ImageStoreTests
{
    private const string Docker = "/var/lib/docker/image/overlay2", Podman = "/var/lib/containers/storage";

    private static readonly string A = new('a', 64), B = new('b', 64), C = new('c', 64);

    [Fact]
    public void Images_of_Docker_have_the_names_that_lead_to_them_and_the_size_of_their_layers()
    {
        string chain = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"sha256:{A} sha256:{B}")));
        FileTree tree = new()
        {
            [$"{Docker}/repositories.json"] = $$$$"""{"Repositories":{"web":{"web:2":"sha256:{{{{A}}}}","web:latest":"sha256:{{{{A}}}}","web@sha256:{{{{C}}}}":"sha256:{{{{A}}}}"},"only":{"only@sha256:{{{{C}}}}":"sha256:{{{{C}}}}"}}}""",
            [$"{Docker}/imagedb/content/sha256/{A}"] = $$$"""{"created":"2026-01-02T00:00:00Z","rootfs":{"diff_ids":["sha256:{{{A}}}","sha256:{{{B}}}"]}}""",
            [$"{Docker}/imagedb/metadata/sha256/{A}/parent"] = $"sha256:{B}",
            [$"{Docker}/imagedb/content/sha256/{B}"] = "{}", // the other is built on it
            [$"{Docker}/imagedb/content/sha256/{C}"] = $$$"""{"created":"2026-01-01T00:00:00Z","rootfs":{"diff_ids":["sha256:{{{C}}}"]}}""",
            [$"{Docker}/layerdb/sha256/{A}/size"] = "1000",
            [$"{Docker}/layerdb/sha256/{chain}/size"] = "234",
        };

        ImageInventory inventory = ImageInventory.Read(() => tree);

        Assert.Empty(inventory.Unreadable);
        Assert.Equal(
            [(ContainerRuntime.Docker, $"sha256:{A}", "web:2 web:latest", (long?)1234), (ContainerRuntime.Docker, $"sha256:{C}", $"only@sha256:{C}", (long?)null)],
            inventory.Images.Select(image => (image.Runtime, image.Id, string.Join(' ', image.Names), image.Size)));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), inventory.Images[0].Created);
    }

    [Fact]
    public void Images_of_podman_have_the_size_of_their_layers_and_of_what_is_kept_beside_them()
    {
        FileTree tree = new()
        {
            [$"{Podman}/overlay-images/images.json"] = $$"""[{"id":"{{A}}","names":["localhost/web:latest"],"layer":"{{C}}","big-data-sizes":{"manifest":5},"created":"2026-01-02T00:00:00Z"},{"id":"no id"},null]""",
            [$"{Podman}/overlay-layers/layers.json"] = $$"""[{"id":"{{B}}","diff-size":1000},{"id":"{{C}}","parent":"{{B}}","diff-size":200}]""",
        };

        ImageRecord image = Assert.Single(ImageInventory.Read(() => tree).Images);

        Assert.Equal((ContainerRuntime.Podman, A, "localhost/web:latest", 1205L), (image.Runtime, image.Id, Assert.Single(image.Names), image.Size));
    }

    [Theory]
    [InlineData("web:2", "web", "2")]
    [InlineData("web", "web", null)]
    [InlineData("registry:5000/web", "registry:5000/web", null)]
    [InlineData("registry:5000/web:2", "registry:5000/web", "2")]
    [InlineData("web@sha256:aa", "web", null)]
    [InlineData("registry:5000/web:2@sha256:aa", "registry:5000/web", null)]
    public void A_name_has_a_repository_and_perhaps_a_tag(string name, string repository, string? tag) => Assert.Equal((repository, tag), ImageRecord.Parts(name));

    [Fact]
    public void Images_beyond_the_limit_are_told()
    {
        FileTree tree = new() { [$"{Podman}/overlay-images/images.json"] = $$"""[{"id":"{{A}}"},{"id":"{{B}}"}]""", [$"{Docker}/imagedb/content/sha256/{A}"] = "{}", [$"{Docker}/imagedb/content/sha256/{B}"] = "{}" };

        ImageInventory inventory = ImageInventory.Read(() => tree, new ContainerLimits { Containers = 1 });

        Assert.Equal(["has more than 1 images", "has more than 1 images"], inventory.Unreadable.Select(file => file.Reason));
        Assert.Equal(2, inventory.Images.Count);
    }

    [Theory]
    [InlineData("""{"rootfs":{"diff_ids":["../../etc"]}}""", "names a layer that is none")]
    [InlineData("""{"rootfs":""", "is no whole JSON")]
    public void A_hostile_image_is_told_and_listed_without_a_size(string content, string says)
    {
        FileTree tree = new() { [$"{Docker}/imagedb/content/sha256/{A}"] = content };

        ImageInventory inventory = ImageInventory.Read(() => tree);

        Assert.Null(Assert.Single(inventory.Images).Size);
        Assert.Contains(inventory.Unreadable, file => file.Reason.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void Layers_that_lead_in_a_circle_come_to_an_end()
    {
        FileTree tree = new()
        {
            [$"{Podman}/overlay-images/images.json"] = $$"""[{"id":"{{A}}","layer":"{{B}}"}]""",
            [$"{Podman}/overlay-layers/layers.json"] = $$"""[{"id":"{{B}}","parent":"{{B}}","diff-size":1}]""",
        };

        Assert.Null(Assert.Single(ImageInventory.Read(() => tree).Images).Size);
    }
}
