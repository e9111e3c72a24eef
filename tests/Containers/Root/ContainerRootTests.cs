using System.Text;
using Watari.Containers.Archives;
using Watari.Containers.Files;
using Watari.Containers.Root;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Root;

public sealed class ContainerRootTests
{
    private static readonly string s_id = new('a', 64);

    [Fact]
    public void A_volume_that_cannot_be_found_is_told_where_it_is_mounted_and_hides_nothing_else()
    {
        FileTree guest = new FileTree { ["/lower/etc/hostname"] = "web", ["/lower/gone/hidden"] = "", ["/lower/loop/hidden"] = "", ["/lower/data/hidden"] = "", ["/volume/file"] = "kept" }
            .Directory("/upper").Link("/around", "/around");

        ContainerRoot root = ContainerRoot.Open(Stopped(("/volume", "/data"), ("/nowhere", "/gone"), ("/around", "/loop"), ("/volume", "/etc/a\0b")), guest, kernel: null, []);

        Assert.Equal("web", Text(root, "/etc/hostname"));
        Assert.Equal("kept", Text(root, "/data/file"));
        Assert.Equal(["data", "etc", "gone", "loop"], root.Root.Entries.Select(entry => entry.Name.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal("a mount of /nowhere: it is not in the guest's files", Assert.Throws<GuestFileException>(() => Text(root, "/gone/hidden")).Message);
        Assert.Contains("more than 40 symbolic links", Assert.Throws<GuestFileException>(() => root.Root.Find("/loop"u8).Entries.ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_tells_what_is_mounted_and_cannot_be_read()
    {
        FileTree guest = new FileTree { ["/lower/gone/hidden"] = "", ["/lower/last"] = "" }.Directory("/upper");
        ContainerRoot root = ContainerRoot.Open(Stopped(("/nowhere", "/gone")), guest, kernel: null, []);
        var archive = new TreeArchive("/"u8.ToArray(), "."u8.ToArray());
        using var output = new MemoryStream();

        while (archive.Write(root.Root, output, 1 << 20))
        {
            // In as many pieces as it takes.
        }

        Assert.Equal("./gone is left out: a mount of /nowhere: it is not in the guest's files", Assert.Single(archive.TakeProblems()));
        Assert.Contains("./last", Encoding.ASCII.GetString(output.ToArray()), StringComparison.Ordinal);
    }

    private static string Text(ContainerRoot root, string path) => Encoding.UTF8.GetString(root.Root.Find(Encoding.UTF8.GetBytes(path)).ReadAll(100));

    private static FoundContainer Stopped(params (string Source, string Destination)[] mounts)
    {
        Assert.True(ContainerId.TryParseFull(s_id, out ContainerId id));
        return new FoundContainer
        {
            Id = s_id,
            Record = new ContainerRecord
            {
                Id = id,
                Runtime = ContainerRuntime.Docker,
                Overlay = new OverlayDirectories(["/lower"], "/upper", "/work", "/merged"),
                Mounts = [.. mounts.Select(mount => new ContainerMount("volume", null, mount.Source, mount.Destination, null, IsReadOnly: false))],
            },
            Live = null,
            Runtime = ContainerRuntime.Docker,
            State = ContainerState.Exited,
            RootPid = null,
        };
    }
}
