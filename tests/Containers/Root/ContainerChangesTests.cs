using Watari.Containers.Root;

namespace Watari.Containers.Tests.Root;

public sealed class ContainerChangesTests
{
    [Fact]
    public void Changes_are_told_as_docker_diff_tells_them()
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

    private static List<string> Lines(FileTree upper, FileTree image) =>
        [.. ContainerLayers.Of(upper.Root, image.Root).Changes().Select(change => $"{"CAD"[(int)change.Kind]} {PathText.Of(change.Path.Span)}")];
}
