using System.Text;
using Watari.Containers.Root;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Tests.Root;

public sealed class OverlayFileSystemTests
{
    private const string Opaque = "trusted.overlay.opaque=y";

    [Theory]
    [InlineData("/etc/changed", "upper")]
    [InlineData("/etc/kept", "middle")]
    [InlineData("/etc/oldest", "lowest")]
    [InlineData("/etc/removed", null)]
    [InlineData("/etc/again", "lowest under whiteout of another")]
    [InlineData("/opaque/new", "upper")]
    [InlineData("/opaque/hidden", null)]
    [InlineData("/nowfile", "upper")]
    [InlineData("/nowdirectory/file", "upper")]
    [InlineData("/gone/below", null)]
    [InlineData("/etc/link", "middle")]
    [InlineData("/up", "lowest")]
    public void Layers_are_merged_as_by_the_kernel(string path, string? content)
    {
        var overlay = Overlay(
            new FileTree { ["/etc/changed"] = "upper", ["/opaque/new"] = "upper", ["/nowfile"] = "upper", ["/nowdirectory/file"] = "upper" }
                .Directory("/opaque", Opaque).Whiteout("/etc/removed").Whiteout("/gone").Link("/etc/link", "/etc/kept"),
            new FileTree { ["/etc/changed"] = "middle", ["/etc/kept"] = "middle", ["/opaque/hidden"] = "middle", ["/nowfile/below"] = "middle", ["/nowdirectory"] = "middle", ["/gone/below"] = "middle" }
                .Link("/up", "../../../../etc/oldest"),
            new FileTree { ["/etc/kept"] = "lowest", ["/etc/oldest"] = "lowest", ["/etc/removed"] = "lowest", ["/etc/again"] = "lowest under whiteout of another", ["/opaque/hidden"] = "lowest" });

        bool found = overlay.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? file);

        Assert.Equal(content, found ? Encoding.UTF8.GetString(file!.ReadAll(100)) : null);
    }

    [Fact]
    public void A_directory_lists_each_name_once_and_none_that_was_removed()
    {
        var overlay = Overlay(new FileTree { ["/d/b"] = "upper" }.Whiteout("/d/c").Whiteout("/d/nothing"), new FileTree { ["/d/a"] = "", ["/d/b"] = "", ["/d/c"] = "" });

        Assert.Equal(["a", "b"], overlay.Root.Find("/d"u8).Entries.Select(entry => entry.Name.ToString()).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("old", "/new/file", "lower")]
    [InlineData("/deep/old", "/new/inner", "deeper")]
    [InlineData("/deep/../old", "/new/file", null)]
    [InlineData("..", "/new/old", null)]
    [InlineData("nowhere", "/new/file", null)]
    public void A_directory_that_was_given_another_name_keeps_what_is_in_it_and_leads_nowhere_else(string redirect, string path, string? content)
    {
        var overlay = Overlay(
            new FileTree().Directory("/new", $"trusted.overlay.redirect={redirect}").Whiteout("/old"),
            new FileTree { ["/old/file"] = "lower", ["/deep/old/inner"] = "deeper" });

        bool found = overlay.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? file);

        Assert.Equal(content, found ? Encoding.UTF8.GetString(file!.ReadAll(100)) : null);
    }

    [Fact]
    public void Redirections_that_lead_to_one_another_end()
    {
        FileTree Layer() => new FileTree { ["/a/file"] = "x", ["/b/file"] = "x" }.Directory("/a", "trusted.overlay.redirect=/b").Directory("/b", "trusted.overlay.redirect=/a");
        var overlay = Overlay([.. Enumerable.Range(0, 50).Select(_ => Layer())]);

        Assert.Equal("x", Encoding.UTF8.GetString(overlay.Root.Find("/a/file"u8).ReadAll(100)));
    }

    [Fact]
    public void Of_a_file_whose_metadata_alone_were_changed_the_contents_are_those_below()
    {
        var overlay = Overlay(
            new FileTree().Attributed("/file", "\0\0\0\0\0", "trusted.overlay.metacopy=", "user.mine=1"),
            new FileTree().Attributed("/file", "\0\0\0\0\0", "trusted.overlay.metacopy="),
            new FileTree { ["/file"] = "below" });

        IInode file = overlay.Root.Find("/file"u8);

        Assert.Equal("below", Encoding.UTF8.GetString(file.ReadAll(100)));
        Assert.Equal("user.mine", Assert.Single(file.ReadExtendedAttributes()).Name.ToString());
    }

    /// <summary>Anybody in a container may write these.</summary>
    [Fact]
    public void Attributes_that_a_user_may_write_hide_nothing()
    {
        var overlay = Overlay(new FileTree().Directory("/d", "user.overlay.opaque=y", "user.overlay.redirect=/secret"), new FileTree { ["/d/file"] = "seen", ["/secret/file"] = "hidden" });

        Assert.Equal("seen", Encoding.UTF8.GetString(overlay.Root.Find("/d/file"u8).ReadAll(100)));
    }

    [Fact]
    public void Links_without_an_end_are_told()
    {
        var overlay = Overlay(new FileTree().Link("/a", "b"), new FileTree().Link("/b", "/a"));

        Assert.Equal(PathProblem.TooManyLinks, Assert.Throws<PathException>(() => overlay.Root.Find("/a"u8)).Problem);
    }

    internal static OverlayFileSystem Overlay(params FileTree[] layers) => new([.. layers.Select(layer => layer.Root)]);
}
