using Watari.Disk.Ext4;
using Watari.Disk.Ext4.Journal;
using Watari.Disk.FileSystems;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Ext4;

/// <summary>One of each kind of file, in file systems of each kind: all that is read of them is what others say.</summary>
public sealed class WholeTreeTests
{
    [Theory]
    [InlineData("-t ext4 -b 4096")]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 2048 -I 512")]
    [InlineData("-t ext2 -b 1024")]
    [InlineData("-t ext2 -b 4096 -I 128 -O ^filetype,^dir_index")]
    [InlineData("-t ext3 -b 4096")]
    [InlineData("-t ext4 -O ^metadata_csum,^64bit")]
    [InlineData("-t ext4 -O ^metadata_csum,uninit_bg,^64bit")]
    [InlineData("-t ext4 -O ^extent,^64bit -b 1024")]
    [InlineData("-t ext4 -O inline_data")]
    [InlineData("-t ext4 -O inline_data -I 1024")]
    [InlineData("-t ext4 -O ea_inode,inline_data")]
    [InlineData("-t ext4 -O bigalloc -C 16384")]
    [InlineData("-t ext4 -O meta_bg,^resize_inode -b 1024 -g 1024")]
    [InlineData("-t ext4 -O meta_bg,^resize_inode,^sparse_super,^flex_bg -b 1024 -g 1024")]
    [InlineData("-t ext4 -O ^flex_bg,sparse_super2 -b 1024 -g 2048")]
    [InlineData("-t ext4 -O metadata_csum_seed,large_dir,mmp -U random")]
    public void What_the_kernel_wrote_is_what_the_kernel_reads(string format)
    {
        Assert.SkipUnless(TestVolume.CanMount, "this machine mounts no files");
        using TestVolume volume = TestVolume.Make(160, $"-N 8192 {format}");
        volume.Mounted("rw", place => Tool.Run("python3", Tool.Script("fill.py"), place));

        string[] theirs = volume.AsKernel();

        Assert.True(theirs.Length > 1300, $"{theirs.Length} files");
        Assert.Equal(theirs, TreeText.Of(volume.FileSystem()));
    }

    [Theory]
    [InlineData("-t ext4")]
    [InlineData("-t ext4 -b 65536")]
    [InlineData("-t ext3 -b 1024")]
    [InlineData("-t ext2")]
    [InlineData("-t ext4 -O ^metadata_csum,^64bit,^extent")]
    [InlineData("-t ext4 -O casefold,encrypt,verity,quota,project")]
    public void What_mke2fs_copied_from_a_directory_is_what_was_there(string format)
    {
        using TestDirectory source = TestDirectory.Filled("contents", "sparse", "fragmented", "names", "many", "deep", "links", "nodes", "owners", "small_directories");
        using TestVolume volume = TestVolume.Make(256, $"-N 8192 {format}", source.Path);

        Assert.Equal(Comparable(TestVolume.Describe(source.Path)), Comparable(TreeText.Of(volume.FileSystem())));
    }

    [Fact]
    public void What_debugfs_dumps_is_what_is_read()
    {
        using TestDirectory source = TestDirectory.Filled("contents", "fragmented", "many", "deep", "small_directories"), dump = new();
        using TestVolume volume = TestVolume.Make(128, "-t ext4 -N 8192", source.Path);
        volume.Debugfs($"rdump / {dump.Path}\n");
        Directory.Delete(Path.Combine(dump.Path, "lost+found"));

        Assert.Equal(Comparable(TestVolume.Describe(dump.Path)), Comparable(TreeText.Of(volume.FileSystem())));
    }

    [Fact]
    public void A_directory_that_was_indexed_and_a_file_of_many_extents_are_as_before()
    {
        using TestDirectory source = TestDirectory.Filled("fragmented", "many");
        using TestVolume volume = TestVolume.Make(64, "-t ext4 -N 8192", source.Path);
        volume.Repair("-fyD");

        IInode root = volume.FileSystem().Root;

        Assert.NotEqual((Ext4InodeFlags)0, ((Ext4Inode)root.Find("/many"u8)).Flags & Ext4InodeFlags.Index);
        Assert.True(((Ext4Inode)root.Find("/fragmented"u8)).BlockArea.Span[6] > 0, "its extents have a level below the inode");
        Assert.Equal(Comparable(TestVolume.Describe(source.Path)), Comparable(TreeText.Of(volume.FileSystem())));
    }

    [Fact]
    public void Uuid_and_label_are_those_that_were_given()
    {
        using TestVolume volume = TestVolume.Make(4, "-t ext4 -L ca\u001bption -U 00112233-4455-6677-8899-aabbccddeeff");

        Ext4FileSystem files = volume.FileSystem();

        Assert.Equal(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), files.Uuid);
        Assert.Equal("ca\\x1bption", files.Label);
        Assert.Equal(JournalState.Clean, files.Journal);
    }

    /// <summary>What a copy of a tree has, too; its first directory, which was there before it, aside.</summary>
    private static string[] Comparable(string[] lines) => TreeText.OwnPart(lines.Skip(1));
}
