using Watari.Containers.Root;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Root;

public sealed class ContainerChangesTests
{
    [Fact]
    public void What_was_changed_added_and_deleted_is_told_and_the_directories_of_what_is_new_or_gone()
    {
        FileTree image = new() { ["/etc/changed"] = "", ["/etc/kept"] = "", ["/etc/removed"] = "", ["/var/lib/removed/file"] = "", ["/swapped/file"] = "" };
        FileTree upper = new FileTree { ["/etc/changed"] = "x", ["/etc/new"] = "x", ["/root/deep/file"] = "x", ["/swapped"] = "x" }.Whiteout("/etc/removed").Whiteout("/var/lib/removed").Whiteout("/etc/never");

        Assert.Equal(
            ["C etc", "C etc/changed", "A etc/new", "D etc/removed", "A root", "A root/deep", "A root/deep/file", "C swapped", "C var/lib", "D var/lib/removed"],
            Lines(upper, image).Order(StringComparer.Ordinal).OrderBy(line => line[2..], StringComparer.Ordinal));
    }

    [Fact]
    public void Of_a_directory_that_was_made_anew_what_was_in_it_before_is_deleted()
    {
        FileTree image = new() { ["/d/kept"] = "", ["/d/removed/file"] = "" };
        FileTree upper = new FileTree { ["/d/kept"] = "x", ["/d/new"] = "x" }.Directory("/d", "trusted.overlay.opaque=y");

        Assert.Equal(["C d/kept", "C d", "A d/new", "D d/removed"], Lines(upper, image));
    }

    [Fact]
    public void All_of_a_directory_that_was_given_another_name_is_new_there()
    {
        FileTree image = new() { ["/old/file"] = "", ["/old/inner/file"] = "" };
        FileTree upper = new FileTree().Directory("/new", "trusted.overlay.redirect=old").Whiteout("/old");

        Assert.Equal(["A new", "A new/file", "A new/inner", "A new/inner/file", "D old"], Lines(upper, image));
    }

    [Fact]
    public void A_directory_that_is_as_the_image_has_it_is_not_told() => Assert.Equal(["C etc/file"], Lines(new FileTree { ["/etc/file"] = "x" }, new FileTree { ["/etc/file"] = "" }));

    [Theory]
    [InlineData(ContainerRuntime.Docker, "C a,C a/b,C a/b/file,C d,C d/kept,A d/new,D d/removed,C dev,A dev/new")]
    [InlineData(ContainerRuntime.Podman, "C a/b/file,D d,C d/kept,A d/new,A dev/new,C same")]
    [InlineData(ContainerRuntime.Containerd, "C a/b/file,C d/kept,C d,A d/new,D d/removed,C dev,A dev/new,C same")]
    public void Each_engine_is_followed_in_how_it_tells_them(ContainerRuntime runtime, string expected)
    {
        FileTree image = new() { ["/a/b/file"] = "", ["/d/kept"] = "", ["/d/removed"] = "", ["/same"] = "s", ["/dev/old"] = "" };
        FileTree upper = new FileTree { ["/a/b/file"] = "x", ["/d/kept"] = "x", ["/d/new"] = "x", ["/same"] = "s", ["/dev/new"] = "" }.Directory("/d", "trusted.overlay.opaque=y");

        IEnumerable<string> told = Lines(ContainerLayers.Of(upper.Root, image.Root).ChangesAsToldBy(runtime));

        Assert.Equal(expected, string.Join(',', told));
    }

    private static List<string> Lines(FileTree upper, FileTree image) => Lines(ContainerLayers.Of(upper.Root, image.Root).Changes());

    private static List<string> Lines(IEnumerable<FileChange> changes) =>
        [.. changes.Select(change => $"{"CAD"[(int)change.Kind]} {PathText.Of(change.Path.Span)}")];
}
