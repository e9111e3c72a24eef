using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Ext4;

/// <summary>A journal that nobody has replayed is replayed in memory: what is read is what e2fsck leaves of a copy, and the image stays as it was.</summary>
public sealed class JournalTests
{
    private static readonly byte[] s_magic = [0xc0, 0x3b, 0x39, 0x98];

    [Theory]
    [InlineData("-t ext4", "rw")]
    [InlineData("-t ext4 -b 1024 -J size=4", "rw")]
    [InlineData("-t ext4 -O ^metadata_csum,^64bit", "rw")]
    [InlineData("-t ext4 -O ^metadata_csum", "rw,journal_checksum")]
    [InlineData("-t ext4 -O ^metadata_csum,^64bit", "rw,journal_async_commit,data=writeback")]
    [InlineData("-t ext4", "rw,data=journal")]
    [InlineData("-t ext3 -J size=4 -b 1024", "rw,data=journal")]
    public void A_file_system_that_is_mounted_is_seen_as_after_a_crash(string format, string options)
    {
        Assert.SkipUnless(TestVolume.CanMount, "this machine mounts no files");
        using TestVolume volume = TestVolume.Make(160, $"-N 8192 {format}");
        TestVolume? crashed = null;
        volume.Mounted(options, place =>
        {
            Tool.Run("python3", Tool.Script("fill.py"), place, "contents", "many", "links");
            // Blocks of directories that become blocks of files, and what begins as the journal's own blocks do.
            Tool.Run("rm", "-r", $"{place}/many", $"{place}/of-70000");
            for (int i = 0; i < 40; i++) File.WriteAllBytes($"{place}/like-a-journal-{i}", [.. Enumerable.Repeat(s_magic, 3000).SelectMany(bytes => bytes)]);
            Tool.Run("sync", $"{place}/like-a-journal-39"); // fsync: the journal is written, what it tells of is not
            crashed = volume.Copy();
        });

        using (crashed)
        {
            byte[] before = Hash(crashed!);
            Ext4FileSystem files = crashed!.FileSystem();
            string[] ours = TreeText.Of(files);

            Assert.True(files.Journal.Transactions > 0 && files.Journal.Blocks > 0, $"{files.Journal}");
            Assert.Equal(before, Hash(crashed));
            crashed.Repair();
            Assert.Equal(crashed.AsKernel(), ours);
            Assert.Contains(ours, line => line.StartsWith("like-a-journal-39 ", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("-t ext4", "-c -v 3")]
    [InlineData("-t ext4", "-c -v 2")]
    [InlineData("-t ext4 -O ^metadata_csum,^64bit", "")]
    [InlineData("-t ext4 -b 1024", "-c -v 3")]
    public void Blocks_that_were_journaled_escaped_revoked_or_not_committed(string format, string journal)
    {
        using TestDirectory source = new();
        File.WriteAllBytes(Path.Combine(source.Path, "file"), [.. Enumerable.Repeat((byte)'o', 5 * 4096)]);
        using TestVolume volume = TestVolume.Make(64, format, source.Path);
        int blockSize = volume.FileSystem().SuperBlock.BlockSize;
        string[] blocks = [.. Enumerable.Range(0, 4).Select(index => Tool.Lines(volume.Debugfs($"bmap /file {index}\n"))[^1])];
        string plain = Block("plain", (byte)'p'), newer = Block("newer", (byte)'n'), escaped = Block("escaped", 0, s_magic), lost = Block("lost", (byte)'l');

        volume.Debugfs($"""
            jo {journal}
            jw -b {blocks[0]},{blocks[1]},{blocks[2]} {plain}
            jw -r {blocks[1]}
            jw -b {blocks[2]} {newer}
            jw -b {blocks[3]} {escaped}
            jw -b {blocks[0]} -c {lost}
            jc

            """, write: true);
        Ext4FileSystem files = volume.FileSystem();
        byte[] ours = files.Root.Find("/file"u8).ReadAll(1 << 20);

        Assert.Equal(4, files.Journal.Transactions);
        Assert.Equal(3, files.Journal.Blocks);
        Assert.False(files.Journal.HasFastCommits);
        Assert.Equal([(byte)'p', (byte)'o', (byte)'n', s_magic[0]], Enumerable.Range(0, 4).Select(index => ours[index * blockSize]));
        volume.Repair();
        Assert.Equal(0, volume.FileSystem().Journal.Transactions);
        Assert.Equal(volume.FileSystem().Root.Find("/file"u8).ReadAll(1 << 20), ours);

        string Block(string name, byte filling, params byte[] beginning)
        {
            byte[] bytes = new byte[blockSize * 3];
            bytes.AsSpan().Fill(filling);
            beginning.CopyTo(bytes, 0);
            string path = Path.Combine(source.Path, name);
            File.WriteAllBytes(path, name == "plain" ? bytes : bytes[..blockSize]);
            return path;
        }
    }

    [Fact]
    public void A_journaled_block_with_a_wrong_checksum_is_told()
    {
        using TestDirectory source = new();
        File.WriteAllBytes(Path.Combine(source.Path, "file"), [.. Enumerable.Repeat((byte)'o', 4096)]);
        using TestVolume volume = TestVolume.Make(64, "-t ext4", source.Path);
        string contents = Path.Combine(source.Path, "contents");
        File.WriteAllBytes(contents, [.. Enumerable.Repeat((byte)'x', 4096)]);
        string block = Tool.Lines(volume.Debugfs("bmap /file 0\n"))[^1];
        volume.Debugfs($"jo -c -v 3\njw -b {block} {contents}\njc\n", write: true);
        byte[] image = File.ReadAllBytes(volume.Path);
        image[image.AsSpan().IndexOf("xxxxxxxxxxxxxxxx"u8) + 9] ^= 1; // it is nowhere but in the journal
        File.WriteAllBytes(volume.Path, image);

        DiskChecksumException error = Assert.Throws<DiskChecksumException>(() => volume.FileSystem());

        Assert.Contains($"block {block} of transaction", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fast_commits_are_told_and_not_replayed()
    {
        Assert.SkipUnless(TestVolume.CanMount, "this machine mounts no files");
        using TestVolume volume = TestVolume.Make(64, "-t ext4 -O fast_commit");
        TestVolume? crashed = null;
        volume.Mounted("rw", place =>
        {
            File.WriteAllText($"{place}/file", "first");
            Tool.Run("sync", "-f", place);
            File.AppendAllText($"{place}/file", new string('x', 10000));
            Tool.Run("sync", $"{place}/file");
            crashed = volume.Copy();
        });

        using (crashed)
        {
            Ext4FileSystem files = crashed!.FileSystem();

            Assert.True(files.Journal.HasFastCommits);
            Assert.Equal("first"u8, files.Root.Find("/file"u8).ReadAll(100));
        }
    }

    [Fact]
    public void A_journal_on_another_device_cannot_be_replayed()
    {
        using TestVolume volume = TestVolume.Make(16, "-t ext4 -O ^has_journal,^metadata_csum");
        volume.Debugfs("feature needs_recovery\n", write: true);

        DiskUnsupportedException error = Assert.Throws<DiskUnsupportedException>(() => volume.FileSystem());

        Assert.Contains("another device", error.Message, StringComparison.Ordinal);
    }

    private static byte[] Hash(TestVolume volume)
    {
        using FileStream file = File.OpenRead(volume.Path);
        return System.Security.Cryptography.SHA256.HashData(file);
    }
}
