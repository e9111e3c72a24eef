using System.Formats.Tar;
using System.Text;
using Watari.Containers.Archives;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Tests.Archives;

public sealed class TreeArchiveTests
{
    private static readonly string s_long = new('n', 200);

    [Theory]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(1 << 20)]
    public void Of_pieces_of_any_length_the_same_archive_is_made(int limit)
    {
        FileTree tree = Tree();
        byte[] large = new byte[200_001];
        new Random(7).NextBytes(large);
        tree.Add("/d/large", large);

        (byte[] archive, List<string> problems) = Archive(() => tree.Root, "/d", "d", limit);

        Assert.Empty(problems);
        Assert.Equal(0, archive.Length % 512);
        List<TarEntry> entries = Entries(archive);
        Assert.Equal(
            ["d/", "d/empty", "d/inner/", $"d/inner/{s_long}", "d/large", "d/link", "d/long", "d/marked", "d/second"],
            entries.Select(entry => entry.Name));
        TarEntry Named(string name) => entries.Single(entry => entry.Name == name);
        Assert.Equal(large, Bytes(Named("d/large")));
        Assert.Equal((TarEntryType.SymbolicLink, "../../etc/passwd"), (Named("d/link").EntryType, Named("d/link").LinkName));
        Assert.Equal(s_long, Named("d/long").LinkName);
        Assert.Equal((TarEntryType.HardLink, "d/marked"), (Named("d/second").EntryType, Named("d/second").LinkName));
        Assert.Equal("ü", ((PaxTarEntry)Named("d/marked")).ExtendedAttributes["SCHILY.xattr.user.mark"]);
        Assert.Equal("content", Encoding.UTF8.GetString(Bytes(Named("d/marked"))));
    }

    [Fact]
    public void A_single_file_bears_the_name_that_it_is_given()
    {
        FileTree tree = Tree();
        (byte[] archive, _) = Archive(() => tree.Root, "/d/marked", "renamed", 100);

        TarEntry entry = Assert.Single(Entries(archive));
        Assert.Equal(("renamed", "content"), (entry.Name, Encoding.UTF8.GetString(Bytes(entry))));
    }

    [Fact]
    public void A_file_that_is_replaced_or_cut_off_while_it_is_read_is_told_and_the_archive_is_whole()
    {
        FileTree tree = new FileTree { ["/d/z"] = "last" };
        tree.Add("/d/cut", new byte[5000]).Add("/d/replaced", new byte[5000]);
        int pieces = 0;

        (byte[] archive, List<string> problems) = Archive(
            () =>
            {
                if (++pieces == 2) tree.Add("/d/cut", () => new byte[2000]);
                return tree.Root;
            },
            "/d", "d", 3000);

        // A new node at the same name is another file.
        Assert.Contains(problems, problem => problem.StartsWith("d/cut was replaced", StringComparison.Ordinal));
        Assert.Equal(["d/", "d/cut", "d/replaced", "d/z"], Entries(archive).Select(entry => entry.Name));
        Assert.Equal(5000, Entries(archive)[1].Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1 << 20)]
    public void What_cannot_be_read_is_told_and_left_out_and_what_is_behind_it_is_there(int limit)
    {
        FileTree tree = new FileTree { ["/d/a"] = "first", ["/d/z/deep"] = "last" }.Damaged("/d/bad").Add("/d/broken", () => throw new DiskStructureException("inode 9", "it is damaged"));

        (byte[] archive, List<string> problems) = Archive(() => tree.Root, "/d", "d", limit);

        Assert.Equal(["d/", "d/a", "d/bad/", "d/z/", "d/z/deep"], Entries(archive).Select(entry => entry.Name));
        Assert.Equal(["d/bad is left out: directory /d/bad: it is damaged", "d/broken is left out: inode 9: it is damaged"], problems);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_tore_once_or_was_not_read_in_time_is_read_in_the_next_piece(bool isLate)
    {
        int asked = 0;
        FileTree tree = new FileTree { ["/d/a"] = "first", ["/d/z"] = "last" }.Add("/d/torn", () => asked++ > 0 ? new byte[3000] : throw (isLate ? (DiskException)new DiskDeadlineException(TimeSpan.FromSeconds(1)) : new DiskStructureException("inode 9", "it tore")));

        (byte[] archive, List<string> problems) = Archive(() => tree.Root, "/d", "d", 1 << 20);

        Assert.Empty(problems);
        Assert.Equal(["d/", "d/a", "d/torn", "d/z"], Entries(archive).Select(entry => entry.Name));
        Assert.Equal(3000, Entries(archive)[2].Length);
    }

    [Fact]
    public void A_file_that_could_not_be_written_is_none_that_another_name_links_to()
    {
        FileTree tree = new FileTree().Attributed("/first", "content", "user.large=" + new string('x', 2 << 20)).HardLink("/second", "/first");
        using var output = new MemoryStream();
        var archive = new PaxArchive(output);

        Assert.Throws<DiskLimitException>(() => archive.Add("first"u8, tree.Root.Find("/first"u8)));
        Assert.Throws<DiskLimitException>(() => archive.Add("second"u8, tree.Root.Find("/second"u8)));
        Assert.Equal(0, output.Length);
    }

    [Fact]
    public void Names_that_are_no_text_are_kept_byte_by_byte()
    {
        using var output = new MemoryStream();
        var archive = new PaxArchive(output);
        archive.Add([0xff, (byte)'\n', 0x1b], new FileTree { ["/f"] = "x" }.Root.Find("/f"u8));
        archive.End();

        Assert.True(output.ToArray().AsSpan().IndexOf((byte[])[.. "path="u8, 0xff, (byte)'\n', 0x1b, (byte)'\n']) > 0);
    }

    private static FileTree Tree()
    {
        FileTree tree = new FileTree { ["/d/empty"] = "", [$"/d/inner/{s_long}"] = "deep" }.Attributed("/d/marked", "content", "user.mark=ü");
        return tree.Link("/d/link", "../../etc/passwd").Link("/d/long", s_long).HardLink("/d/second", "/d/marked");
    }

    private static (byte[] Archive, List<string> Problems) Archive(Func<IInode> root, string path, string name, int limit)
    {
        var archive = new TreeArchive(Encoding.UTF8.GetBytes(path), Encoding.UTF8.GetBytes(name));
        using var output = new MemoryStream();
        List<string> problems = [];
        for (bool more = true; more;)
        {
            more = archive.Write(root(), output, limit);
            problems.AddRange(archive.TakeProblems());
        }

        return (output.ToArray(), problems);
    }

    private static List<TarEntry> Entries(byte[] archive)
    {
        using var reader = new TarReader(new MemoryStream(archive));
        List<TarEntry> entries = [];
        while (reader.GetNextEntry(copyData: true) is { } entry) entries.Add(entry);
        return entries;
    }

    private static byte[] Bytes(TarEntry entry)
    {
        byte[] bytes = new byte[entry.Length];
        entry.DataStream?.ReadExactly(bytes);
        return bytes;
    }
}
