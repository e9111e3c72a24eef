using System.Text;
using Watari.Disk.FileSystems;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.FileSystems;

/// <summary>Paths in a real file system lead where they lead after chroot(2), and nowhere else.</summary>
public sealed class PathLookupTests(PathLookupTests.Links links) : IClassFixture<PathLookupTests.Links>
{
    [Theory]
    [InlineData("/links/file", "/links/file")]
    [InlineData("links//./file", "/links/file")]
    [InlineData("links/relative", "/links/file")]
    [InlineData("links/absolute", "/links/file")]
    [InlineData("links/chain", "/links/file")]
    [InlineData("links/dots", "/links/file")]
    [InlineData("links/up", "/links/file")]
    [InlineData("links/to-directory/../../links/file", "/links/file")]
    [InlineData("../../links/../links/file", "/links/file")]
    [InlineData("/links/to-directory", "/deep/0")]
    [InlineData("/links/to-directory/", "/deep/0")]
    [InlineData("/", "/")]
    [InlineData("..", "/")]
    [InlineData("/deep/0/1/2/../../../..", "/")]
    public void A_path_leads_to_the_file_that_another_leads_to(string path, string same) =>
        Assert.Equal(links.Root.Find(Bytes(same)).Status.Ino, links.Root.Find(Bytes(path)).Status.Ino);

    [Theory]
    [InlineData("/nothing", PathProblem.NotFound)]
    [InlineData("/links/dangling", PathProblem.NotFound)]
    [InlineData("", PathProblem.NotFound)]
    [InlineData("/links/file/", PathProblem.NotADirectory)]
    [InlineData("/links/file/more", PathProblem.NotADirectory)]
    [InlineData("/links/relative/..", PathProblem.NotADirectory)]
    [InlineData("/links/itself", PathProblem.TooManyLinks)]
    [InlineData("/links/loop-a", PathProblem.TooManyLinks)]
    public void A_path_that_leads_to_none_says_why(string path, PathProblem problem)
    {
        Assert.Equal(problem, Assert.Throws<PathException>(() => links.Root.Find(Bytes(path))).Problem);
        if (problem == PathProblem.TooManyLinks) Assert.Throws<PathException>(() => links.Root.TryFind(Bytes(path), out _));
        else Assert.False(links.Root.TryFind(Bytes(path), out _));
    }

    [Fact]
    public void A_path_or_a_name_that_is_too_long_is_refused()
    {
        Assert.Equal(PathProblem.TooLong, Assert.Throws<PathException>(() => links.Root.Find(Bytes(new string('/', 4096)))).Problem);
        Assert.Equal(PathProblem.TooLong, Assert.Throws<PathException>(() => links.Root.Find(Bytes(new string('a', 256)))).Problem);
        Assert.Equal(links.Root.Status.Ino, links.Root.Find(Bytes(new string('/', 4095))).Status.Ino);
    }

    [Fact]
    public void A_link_at_the_end_is_followed_only_if_it_is_wanted()
    {
        Assert.Equal(FileType.SymbolicLink, links.Root.Find("/links/relative"u8, followLast: false).Status.Type);
        Assert.Equal("nowhere"u8, links.Root.Find("/links/dangling"u8, followLast: false).ReadLink().Span);
        Assert.Equal(FileType.Directory, links.Root.Find("/links/to-directory/"u8, followLast: false).Status.Type);
    }

    [Fact]
    public void A_directory_below_is_a_root_of_its_own()
    {
        IInode below = links.Root.Find("/links"u8);

        Assert.Equal(below.Find("file"u8).Status.Ino, below.Find("/../../file"u8).Status.Ino);
        Assert.False(below.TryFind("absolute"u8, out _)); // its target begins at this root now
    }

    [Fact]
    public void Names_are_bytes_and_do_nothing_to_a_terminal()
    {
        IInode names = links.Root.Find("/names"u8);

        Assert.True(names.TryLookup([.. "not-"u8, 0xff, 0xfe, .. "-utf8"u8], out IInode found));
        Assert.Equal(11, found.Status.Size);
        string[] texts = [.. names.Entries.Select(entry => entry.Name.ToString()).Order(StringComparer.Ordinal)];
        Assert.Contains(@"\x1b[31mred\x1b[0m", texts);
        Assert.Contains(@"not-\xff\xfe-utf8", texts);
        Assert.Contains(@"new\x0aline", texts);
        Assert.Contains(@"\x5cx41", texts);
        Assert.Contains("grün-渡り", texts);
        Assert.Contains("...", texts);
        Assert.DoesNotContain("..", texts);
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a\0b")]
    [InlineData("")]
    public void What_is_no_name_cannot_be_one(string text) => Assert.Throws<ArgumentException>(() => new FileName(Bytes(text)));

    [Fact]
    public void What_a_file_is_not_is_refused()
    {
        IInode file = links.Root.Find("/links/file"u8);

        Assert.Throws<InvalidOperationException>(() => file.Entries);
        Assert.Throws<InvalidOperationException>(() => file.ReadLink());
        Assert.Throws<InvalidOperationException>(() => links.Root.Read(0, new byte[1]));
        Assert.Equal(0, file.Read(file.Status.Size, new byte[1]));
        Assert.Equal(0, file.Read(long.MaxValue, new byte[1]));
        Assert.Throws<DiskLimitException>(() => file.ReadAll(5));
        Assert.Equal("linked"u8, file.ReadAll(6));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>An ext4 with links of all kinds.</summary>
    public sealed class Links : IDisposable
    {
        private readonly TestVolume _volume;

        public Links()
        {
            using TestDirectory source = TestDirectory.Filled("links", "deep", "names");
            _volume = TestVolume.Make(16, "-t ext4", source.Path);
            Root = _volume.FileSystem().Root;
        }

        public IInode Root { get; }

        public void Dispose() => _volume.Dispose();
    }
}
