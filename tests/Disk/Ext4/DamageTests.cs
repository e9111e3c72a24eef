using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Ext4;

/// <summary>What is damaged, made by an attacker or not known ends in an error that names the structure and its place.</summary>
public sealed class DamageTests
{
    private const string NoChecksums = "-t ext4 -b 1024 -O ^metadata_csum,^has_journal";
    private const int Superblock = 1024;

    [Fact]
    public void What_is_no_ext4_says_so()
    {
        using TestVolume volume = TestVolume.Make(4, NoChecksums);
        Assert.True(Ext4FileSystem.IsOn(volume.Open()));
        Patch(volume, Superblock + 0x38, 0);

        Assert.False(Ext4FileSystem.IsOn(volume.Open()));
        Assert.Contains("no ext4 magic number", Assert.Throws<DiskStructureException>(() => volume.FileSystem()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x4000_0000u, "FEATURE_I30")]
    [InlineData(0x1001u, "compression, dirdata")]
    public void Features_that_are_not_known_are_named(uint feature, string name)
    {
        using TestVolume volume = TestVolume.Make(4, NoChecksums);
        Patch(volume, Superblock + 0x60, (uint)volume.FileSystem().SuperBlock.Incompat | feature);

        Assert.Equal(name, Assert.Throws<DiskUnsupportedException>(() => volume.FileSystem()).Feature);
    }

    [Fact]
    public void A_device_that_holds_a_journal_alone_is_refused()
    {
        using TestVolume volume = TestVolume.Make(16, "-O journal_dev");

        Assert.Equal("journal_dev", Assert.Throws<DiskUnsupportedException>(() => volume.FileSystem()).Feature);
    }

    [Theory]
    [InlineData("superblock", "ext4 superblock")]
    [InlineData("group", "descriptor of group 0")]
    [InlineData("inode", "inode 2")]
    [InlineData("directory", "inode 2, block 0 of a directory")]
    [InlineData("extents", ", extents at depth 0 in block ")]
    [InlineData("attributes", ", extended attributes in block ")]
    [InlineData("index", ", block 0 of a directory")]
    public void A_bit_that_has_turned_is_told_with_its_place(string where, string structure)
    {
        using TestDirectory source = TestDirectory.Filled("little", "many");
        using TestVolume volume = TestVolume.Make(32, "-t ext4 -b 1024 -N 4096", source.Path);
        volume.Repair("-fyD");
        SuperBlock superBlock = volume.FileSystem().SuperBlock;
        IInode root = volume.FileSystem().Root;
        long block = superBlock.BlockSize;
        long at = where switch
        {
            "superblock" => Superblock + 0x30,
            "group" => (long)superBlock.DescriptorBlock(0).Value * block + 0x10,
            "inode" => (long)GroupDescriptor.InodeTable(volume.FileSystem().Blocks, superBlock, 0).Value * block + superBlock.InodeSize + 0x10,
            "directory" => (long)((Ext4Inode)root).Map(new FileBlock(0)).First.Value * block + 20,
            "extents" => BinaryPrimitives.ReadUInt32LittleEndian(((Ext4Inode)root.Find("/holes"u8)).BlockArea.Span[16..]) * block + 20,
            "attributes" => (long)((Ext4Inode)root.Find("/of-3000"u8)).AttributeBlock.Value * block + block - 2,
            _ => (long)((Ext4Inode)root.Find("/many"u8)).Map(new FileBlock(0)).First.Value * block + 0x24,
        };
        TurnBit(volume, at);

        Assert.Contains(structure, Assert.Throws<DiskChecksumException>(() => TreeText.Of(volume.FileSystem())).Structure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_in_itself_has_no_end_and_is_refused()
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, NoChecksums, source.Path);
        volume.Debugfs("ln /a /a/b/c/again\n", write: true);
        IInode root = volume.FileSystem().Root;

        DiskStructureException error = Assert.Throws<DiskStructureException>(() => root.Tree().Count());

        Assert.Equal($"inode {root.Find("/a"u8).Status.Ino}", error.Structure);
        List<string> passedOver = [];
        Assert.Contains(
            root.Tree(passOver: (path, _) =>
            {
                passedOver.Add(Encoding.UTF8.GetString(path.Span));
                return true;
            }),
            file => file.Path.Span.SequenceEqual("holes"u8)); // behind it
        Assert.Equal("a/b/c/again", Assert.Single(passedOver));
        Assert.Equal(root.Find("/a/b"u8).Status.Ino, root.Find("/a/b/c/again/b/c/again/b"u8).Status.Ino);
    }

    [Fact]
    public void Extents_that_lead_back_to_themselves_are_refused()
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, NoChecksums, source.Path);
        var file = (Ext4Inode)volume.FileSystem().Root.Find("/holes"u8);
        uint node = BinaryPrimitives.ReadUInt32LittleEndian(file.BlockArea.Span[16..]);
        // The node becomes one of depth 1, whose only child is itself.
        Patch(volume, node * 1024L, 0xf30a, 1, 84, 1, 0, 0, 0, 0, (ushort)node, (ushort)(node >> 16), 0, 0);

        DiskStructureException error = Assert.Throws<DiskStructureException>(() => volume.FileSystem().Root.Find("/holes"u8).ReadAll(1 << 20));

        Assert.Equal($"inode {file.Status.Ino}, extents at depth 0", error.Structure);
    }

    [Fact]
    public void A_file_that_claims_to_be_larger_than_any_disk_costs_nothing()
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, NoChecksums, source.Path);
        volume.Debugfs("sif /text size 0x0fffffffffffffff\n", write: true);
        IInode file = volume.FileSystem().Root.Find("/text"u8);
        byte[] bytes = new byte[16];

        Assert.Equal(0x0fffffffffffffff, file.Status.Size);
        Assert.Throws<DiskLimitException>(() => file.ReadAll(1 << 20));
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        Assert.Equal("text"u8, bytes.AsSpan(0, 4));
        Assert.Throws<DiskStructureException>(() => file.Read(1L << 50, bytes));
        Assert.True(file.TryFindData(0, out FileRange data));
        Assert.Equal(new FileRange(0, 1024), data);
    }

    [Fact]
    public void A_directory_and_an_attribute_are_bounded_by_the_limits()
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, NoChecksums, source.Path);

        Assert.Equal(nameof(DiskLimits.DirectoryEntries), Refused(DiskLimits.Default with { DirectoryEntries = 60 }));
        Assert.Equal(nameof(DiskLimits.DirectoryBlocks), Refused(DiskLimits.Default with { DirectoryBlocks = 1 }));
        Assert.Equal(nameof(DiskLimits.AttributeBytes), Refused(DiskLimits.Default with { AttributeBytes = 300 }));
        Assert.Equal(nameof(DiskLimits.AttributesBytes), Refused(DiskLimits.Default with { AttributesBytes = 300 }));
        Assert.Equal(nameof(DiskLimits.TreeDepth), Refused(DiskLimits.Default with { TreeDepth = 3 }));
        Assert.Equal(nameof(DiskLimits.TreeEntries), Refused(DiskLimits.Default with { TreeEntries = 10 }));

        string Refused(DiskLimits limits) => Assert.Throws<DiskLimitException>(() =>
        {
            foreach (TreeFile file in volume.FileSystem(limits).Root.Tree(limits)) file.Inode.ReadExtendedAttributes();
        }).Limit;
    }

    [Fact]
    public void An_encrypted_file_is_refused_and_others_are_read()
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, $"{NoChecksums},encrypt", source.Path);
        volume.Debugfs(string.Create(CultureInfo.InvariantCulture, $"sif /of-3000 flags 0x80800\nsif /a flags 0x80800\n"), write: true);
        IInode root = volume.FileSystem().Root;

        Assert.Contains("is encrypted", Assert.Throws<DiskUnsupportedException>(() => root.Find("/of-3000"u8).ReadAll(4096)).Message, StringComparison.Ordinal);
        Assert.Throws<DiskUnsupportedException>(() => root.Find("/a/b"u8));
        Assert.Equal(3000, root.Find("/of-3000"u8).Status.Size);
        Assert.Equal("text"u8, root.Find("/text"u8).ReadAll(4096));
    }

    [Fact]
    public void A_name_that_cannot_be_one_is_told_without_its_escapes()
    {
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(4, NoChecksums, source.Path);
        byte[] image = File.ReadAllBytes(volume.Path);
        int at = image.AsSpan().IndexOf("long-link"u8);
        "/\x1b[2J/x.."u8.CopyTo(image.AsSpan(at));
        File.WriteAllBytes(volume.Path, image);

        DiskStructureException error = Assert.Throws<DiskStructureException>(() => volume.FileSystem().Root.Entries.Count());

        Assert.Contains(@"""/\x1b[2J/x.."" is no name", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_that_was_cut_off_is_told()
    {
        using TestDirectory source = TestDirectory.Filled("little", "contents");
        using TestVolume volume = TestVolume.Make(16, "-t ext4", source.Path);
        using (FileStream file = File.OpenWrite(volume.Path)) file.SetLength(3 << 20);

        Assert.Throws<DiskImageException>(() => TreeText.Of(volume.FileSystem()));
    }

    private static void Patch(TestVolume volume, long at, uint value) => Patch(volume, at, (ushort)value, (ushort)(value >> 16));

    private static void Patch(TestVolume volume, long at, params ushort[] words)
    {
        using FileStream file = volume.OpenToSpoil();
        file.Position = at;
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        foreach (ushort word in words)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, word);
            file.Write(bytes);
        }
    }

    private static void TurnBit(TestVolume volume, long at)
    {
        using FileStream file = volume.OpenToSpoil();
        file.Position = at;
        int value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 4));
    }
}
