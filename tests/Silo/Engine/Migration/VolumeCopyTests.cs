using Watari.Containers;
using Watari.Containers.Root;
using Watari.Containers.Tests;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Migration.Volumes;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;

namespace Watari.Silo.Tests.Engine.Migration;

public sealed class VolumeCopyTests
{
    private static readonly ContainerId s_books = ContainerId.Parse("books");

    private readonly FileTree _tree = new() { ["/a"] = "small", ["/d/b"] = "deeper" };
    private readonly CopiedVolume _copied = new(s_books);
    private readonly VolumeMemory _memory = new(1 << 20);
    private readonly VolumeCopy _copy;

    public VolumeCopyTests() => _copy = new VolumeCopy(s_books, _memory);

    [Fact]
    public void All_goes_ahead_and_nothing_of_it_a_second_time()
    {
        byte[] large = Random(300_000);
        _tree.Add("/d/large", large).HardLink("/d/second", "/d/large").Link("/to", "d/large").Attributed("/e", "with", "user.one=1").Whiteout("/device");
        Assert.Equal(300_000 + 5 + 6 + 4, Live());
        AssertCopied();

        Assert.Equal(0, Still());
        Assert.Equal(["Volume"], _copied.Last);
        AssertCopied();
    }

    [Fact]
    public void Of_a_file_that_was_changed_the_blocks_that_differ_go()
    {
        byte[] large = Random(1 << 20);
        _tree.Add("/large", () => large);
        Live();

        large = [.. large];
        large[70_000]++;
        large[1_000_000]++;
        large.AsSpan(5 << 16, 1 << 16).Clear();

        Assert.Equal(2 << 16, Still());
        Assert.Equal(["Volume", "File", "Data", "Zeroes", "Data", "Attributes"], _copied.Last);
        AssertCopied();
    }

    [Theory]
    [InlineData(200_000, 100_000)]
    [InlineData(200_000, 65_536)]
    [InlineData(200_000, 0)]
    [InlineData(100_000, 300_000)]
    [InlineData(0, 70_000)]
    public void A_file_becomes_shorter_or_longer(int before, int after)
    {
        byte[] all = Random(300_000);
        int length = before;
        _tree.Add("/log", () => all[..length]);
        Live();

        length = after;

        Assert.InRange(Still(), 0, after);
        AssertCopied();
    }

    [Fact]
    public void Names_come_go_and_change_what_they_are()
    {
        _tree.Add("/x", Random(100)).Add("/gone/with/all", Random(100)).Link("/link", "a").Add("/one", Random(70_000)).HardLink("/two", "/one").Add("/becomes/directory", Random(10));
        Live();

        _tree.Move("/x", "/y").Remove("/gone").Remove("/link").Add("/link/inside", Random(5)).Remove("/two").Add("/two", Random(70_000)).Remove("/becomes").Add("/becomes", Random(7))
            .HardLink("/d/a", "/a").Link("/new", "nowhere");
        Still();

        AssertCopied();
        Assert.Contains("Remove", _copied.Last);
    }

    [Fact]
    public void Two_names_of_one_file_that_become_two_files_are_two_files()
    {
        byte[] one = Random(100_000), two = Random(100_000);
        _tree.Add("/one", one).HardLink("/two", "/one");
        Live();

        _tree.Remove("/one").Remove("/two").Add("/one", two).Add("/two", one);
        Still();

        AssertCopied();
    }

    [Fact]
    public void A_directory_that_tore_while_the_container_ran_goes_with_all_in_it_when_it_stands_still()
    {
        _tree.Add("/d/deep/er", Random(7)).Tear("/d");
        Live();
        Assert.DoesNotContain(_copied.Describe().Split('\n'), line => line.StartsWith('d'));

        Still();

        AssertCopied();
    }

    [Fact]
    public void What_tore_while_the_container_ran_is_whole_when_it_stands_still()
    {
        int reads = 0;
        byte[] stands = Random(500_000);
        _tree.Add("/torn", () => reads++ < 12 ? Random(500_000 - (1000 * reads), seed: reads) : stands).Damaged("/d/vanishing");
        Live();

        reads = 100;
        _tree.Remove("/d/vanishing").Directory("/d/vanishing").Add("/d/vanishing/file", Random(9));
        Still();

        AssertCopied();
    }

    [Fact]
    public void What_was_read_as_a_hole_is_read_again_before_it_is_believed()
    {
        byte[] all = Random(300_000);
        all.AsSpan(1 << 14, 1 << 13).Clear(); // a true hole
        byte[] hole = [.. all];
        hole.AsSpan(70_656, 130_000).Clear(); // from within a page on
        byte[] now = all;
        _tree.Add("/known", () => now).Add("/new", () => now);
        Live();
        _tree.Remove("/new");
        _tree.Add("/new", () => now);

        // The second look has it right.
        int looks = 0;
        now = hole;
        Still(() =>
        {
            if (++looks > 1) now = all;
            return _tree.Root;
        });

        Assert.True(looks > 1);
        AssertCopied();
    }

    [Fact]
    public void A_file_that_changes_while_the_container_stands_still_is_none_that_can_be_moved()
    {
        byte[] now = new byte[100];
        _tree.Add("/file", () => now);
        Live();

        int looks = 0;
        Assert.Contains("file", Assert.Throws<DiskStructureException>(() => Still(() =>
        {
            if (++looks > 1) now = new byte[101];
            return _tree.Root;
        })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_too_large_to_be_known_goes_whole_within()
    {
        var small = new VolumeMemory(2000);
        var copy = new VolumeCopy(s_books, small);
        _tree.Add("/large", Random(10 << 20));

        Assert.Equal(5 + 6, Write(changes => copy.WriteLive(changes, () => _tree.Root, VolumeLimits.Default, CancellationToken.None)));
        Assert.Equal(10 << 20, Write(changes => copy.WriteStill(changes, () => _tree.Root, VolumeLimits.Default, CancellationToken.None)));

        AssertCopied();
    }

    [Fact]
    public void A_volume_with_more_names_than_can_be_known_goes_whole_within()
    {
        var small = new VolumeMemory(3000);
        var copy = new VolumeCopy(s_books, small);
        for (int i = 0; i < 100; i++) _tree.Add($"/many/{i}", Random(10));

        Write(changes => Assert.Throws<DiskLimitException>(() => copy.WriteLive(changes, () => _tree.Root, VolumeLimits.Default, CancellationToken.None)));
        copy.Forget();
        Assert.Equal(3000, small.Left);
        _tree.Remove("/many/7").HardLink("/many/more", "/many/8");
        Write(changes => copy.WriteStill(changes, () => _tree.Root, VolumeLimits.Default, CancellationToken.None));

        AssertCopied();
    }

    [Fact]
    public void What_a_container_has_changed_of_its_image_makes_its_root_of_the_image()
    {
        FileTree guest = new FileTree
        {
            ["/image/etc/kept"] = "kept",
            ["/image/etc/changed"] = "before",
            ["/image/etc/gone"] = "gone",
            ["/image/old/one"] = "1",
            ["/image/old/two"] = "2",
            ["/image/turned"] = "a file",
            ["/image/made/anew"] = "before",
            ["/upper/etc/changed"] = "after",
            ["/upper/added/deep"] = "added",
            ["/upper/turned/into"] = "a directory",
            ["/upper/made/again"] = "after",
            ["/upper/empty"] = "",
        }.Whiteout("/upper/etc/gone").Whiteout("/upper/old").Directory("/upper/made", "trusted.overlay.opaque=y").Link("/upper/link", "etc/kept").HardLink("/upper/added/twin", "/upper/added/deep");
        var root = new OverlayDirectories(["/image"], "/upper", Work: "", Merged: "");
        Write(changes => _copy.WriteStill(changes, () => guest.Root.Find("image"u8), VolumeLimits.Default, TestContext.Current.CancellationToken));

        Write(changes => new VolumeCopy(s_books, _memory).WriteChanges(changes, () => ContainerLayers.Open(root, guest), VolumeLimits.Default, TestContext.Current.CancellationToken));

        Assert.Equal(CopiedVolume.Describe(ContainerLayers.Open(root, guest).Merged.Root), _copied.Describe());
        Assert.Contains("added/twin", _copied.Describe(), StringComparison.Ordinal);
        Assert.DoesNotContain("old", _copied.Describe(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log")]
    [InlineData("none")]
    public void One_file_of_a_directory_goes_alone(string file)
    {
        _tree.Add("/log", Random(200_000));

        Write(changes => _copy.WriteFile(changes, () => _tree.Root, System.Text.Encoding.UTF8.GetBytes(file), VolumeLimits.Default, TestContext.Current.CancellationToken));

        Assert.Equal(file == "log" ? ["", "log"] : [""], _copied.Names);
    }

    [Fact]
    public void Memory_is_given_back_for_what_is_gone()
    {
        Live();
        long left = _memory.Left;
        _tree.Add("/many/large", Random(1 << 20));
        Still();
        Assert.True(_memory.Left < left);

        _tree.Remove("/many");
        Still();

        Assert.Equal(left, _memory.Left);
        AssertCopied();
    }

    [Fact]
    public void More_than_this_host_has_room_for_is_not_read()
    {
        _tree.Add("/endless", () => new byte[1 << 20]);

        Assert.Throws<IOException>(() => Write(changes => _copy.WriteLive(changes, () => _tree.Root, new VolumeLimits { ReadBytes = 1 << 19 }, CancellationToken.None)));
    }

    [Fact]
    public void A_volume_that_is_no_directory_is_none()
    {
        _tree.Link("/link", "a");

        Assert.Throws<DiskStructureException>(() => Still(() => _tree.Root.Find("/a"u8)));
    }

    private static byte[] Random(int length, int seed = 3)
    {
        byte[] bytes = new byte[length];
        new Random(seed + length).NextBytes(bytes);
        return bytes;
    }

    private long Live() => Write(changes => _copy.WriteLive(changes, () => _tree.Root, VolumeLimits.Default, TestContext.Current.CancellationToken));

    private long Still(Func<IInode>? look = null) => Write(changes => _copy.WriteStill(changes, look ?? (() => _tree.Root), VolumeLimits.Default, TestContext.Current.CancellationToken));

    /// <summary>Carries out what is written.</summary>
    /// <returns>Bytes of contents.</returns>
    private long Write(Action<VolumeChangesWriter> write)
    {
        using var list = new MemoryStream();
        var changes = new VolumeChangesWriter(list);
        write(changes);
        changes.End();
        list.Position = 0;
        _copied.CarryOut(list);
        return changes.ContentBytes;
    }

    private void AssertCopied() => Assert.Equal(CopiedVolume.Describe(_tree.Root), _copied.Describe());
}
