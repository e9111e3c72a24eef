using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Ext4;

/// <summary>A structure that its VM changes just then is read again until it is whole, for as long as a look may take.</summary>
public sealed class TornReadTests
{
    [Theory]
    [InlineData(0x418)] // of the superblock
    [InlineData(0x80e)] // of the descriptor of group 0, which lies behind it
    public void What_is_torn_for_a_while_is_read_again(long at)
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, "-t ext4 -b 1024 -N 256", source.Path);
        using RawDiskImage whole = volume.Open();
        var torn = new TornImage(whole, at, times: DiskLimits.Default.Attempts * 4);

        Assert.Equal(TreeText.Of(Ext4FileSystem.Open(whole)), TreeText.Of(Ext4FileSystem.Open(torn)));
        Assert.Equal(0, torn.Left);
    }

    [Fact]
    public void How_long_it_is_waited_for_is_bounded_for_all_structures_together()
    {
        using TestVolume volume = TestVolume.Make(4, "-t ext4 -b 1024 -N 256");
        using RawDiskImage whole = volume.Open();
        DiskLimits limits = DiskLimits.Default with { TornPatience = TimeSpan.FromMilliseconds(10) };
        var torn = new TornImage(whole, 0x80e, times: int.MaxValue);
        Ext4FileSystem fileSystem = Ext4FileSystem.Open(torn, limits);

        for (int i = 0; i < 3; i++) Assert.Throws<DiskChecksumException>(() => fileSystem.Root.Find("/lost+found"u8));

        Assert.InRange(int.MaxValue - torn.Left, 10, 10 + 4 * limits.Attempts);
    }

    /// <summary>A disk of which one byte is another the first times that it is read.</summary>
    private sealed class TornImage(IDiskImage whole, long at, int times) : IDiskImage
    {
        public int Left { get; private set; } = times;

        public long Length => whole.Length;

        public void Read(long offset, Span<byte> destination)
        {
            whole.Read(offset, destination);
            if (at < offset || at >= offset + destination.Length || Left == 0) return;
            Left--;
            destination[(int)(at - offset)] ^= 1;
        }
    }
}
