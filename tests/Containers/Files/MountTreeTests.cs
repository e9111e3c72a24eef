using System.Text;
using Watari.Containers.Files;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Tests.Files;

public sealed class MountTreeTests
{
    private readonly MountTree _tree = new(new FileTree { ["/etc/hostname"] = "root", ["/run/hidden"] = "root", ["/run/inner/hidden"] = "root", ["/var/lib/data/hidden"] = "root", ["/var/lib/other"] = "root" });

    public MountTreeTests()
    {
        _tree.Mount("/run"u8, new FileTree { ["/state"] = "run", ["/inner/hidden"] = "run" }.Link("up", "../etc/hostname"));
        _tree.Mount("/run/inner"u8, new FileTree { ["/state"] = "inner" });
        _tree.Mount("/var/lib/data"u8, new FileTree { ["/state"] = "first" });
        _tree.Mount("/var/lib/data"u8, new FileTree { ["/state"] = "second" });
        _tree.Mount("/nowhere/at/all"u8, new FileTree { ["/state"] = "nowhere" });
    }

    [Theory]
    [InlineData("/etc/hostname", "root")]
    [InlineData("/run/state", "run")]
    [InlineData("/run/inner/state", "inner")]
    [InlineData("/run/up", "root")]
    [InlineData("/var/lib/data/state", "second")]
    [InlineData("/var/lib/data/../other", "root")]
    [InlineData("/run/hidden", null)]
    [InlineData("/run/inner/hidden", null)]
    [InlineData("/var/lib/data/hidden", null)]
    [InlineData("/nowhere/at/all/state", null)]
    public void What_is_mounted_hides_what_is_below_it(string path, string? content)
    {
        bool found = _tree.Root.TryFind(Encoding.UTF8.GetBytes(path), out IInode? file);

        Assert.Equal(content, found ? Encoding.UTF8.GetString(file!.ReadAll(100)) : null);
    }

    [Fact]
    public void To_a_mount_at_what_is_no_name_nothing_leads_and_all_else_is_there()
    {
        _tree.Mount("/run/a\0b"u8, new FileTree());
        _tree.Mount([.. "/run/"u8, .. Enumerable.Repeat((byte)'n', 256), .. "/inner"u8], new FileTree());

        Assert.Equal("run", Encoding.UTF8.GetString(_tree.Root.Find("/run/state"u8).ReadAll(100)));
    }

    [Fact]
    public void What_is_listed_is_opened_where_it_is_mounted()
    {
        IInode lib = _tree.Root.Find("/var/lib"u8);

        DirectoryEntry data = lib.Entries.Single(entry => entry.Name.Bytes.SequenceEqual("data"u8));

        Assert.Equal("second", Encoding.UTF8.GetString(lib.Open(data).Find("state"u8).ReadAll(100)));
        Assert.Equal(["etc", "run", "var"], _tree.Root.Entries.Select(entry => entry.Name.ToString()).Order(StringComparer.Ordinal));
    }
}
