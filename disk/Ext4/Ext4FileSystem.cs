using Watari.Disk.Ext4.Journal;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;

namespace Watari.Disk.Ext4;

/// <summary>
/// An ext2, ext3 or ext4 file system, read and never written (Documentation/filesystems/ext4/, fs/ext4). A journal that was not replayed
/// is replayed in memory: the file system of a running VM is seen as of its last commit. It grows old, and what is read of it later may not
/// fit together: take a new one for each look, see <see cref="DiskLook"/>.
/// <code>
/// using RawDiskImage disk = RawDiskImage.Open(path);
/// IFileSystem files = Ext4FileSystem.Open(Volumes.Of(disk)[0]);
/// byte[] hostname = files.Root.Find("/etc/hostname"u8).ReadAll(limit: 4096);
/// </code>
/// </summary>
public sealed class Ext4FileSystem : IFileSystem
{
    private Ext4FileSystem(SuperBlock superBlock, BlockDevice blocks, DiskLimits limits, JournalState journal)
    {
        SuperBlock = superBlock;
        Blocks = blocks;
        Limits = limits;
        Journal = journal;
    }

    /// <summary>What its journal held.</summary>
    public JournalState Journal { get; }

    /// <summary>As blkid(8) writes it.</summary>
    public Guid Uuid => new(SuperBlock.Uuid, bigEndian: true);

    /// <summary>The volume's label, escaped where it is no text; may be empty.</summary>
    public string Label => ByteText.Of(SuperBlock.Label);

    /// <summary>Read anew each time.</summary>
    /// <exception cref="DiskException"/>
    public IInode Root
    {
        get
        {
            Ext4Inode root = ReadInode(InodeNumber.Root);
            return root.Status.IsDirectory ? root : throw new DiskStructureException($"{InodeNumber.Root}", "the root is no directory");
        }
    }

    internal SuperBlock SuperBlock { get; }

    internal BlockDevice Blocks { get; }

    internal DiskLimits Limits { get; }

    /// <summary>Whether a volume says that it holds such a file system.</summary>
    /// <exception cref="DiskImageException"/>
    public static bool IsOn(IDiskImage volume)
    {
        ArgumentNullException.ThrowIfNull(volume);
        return SuperBlock.HasMagic(volume);
    }

    /// <summary>Reads superblock and journal. The volume must live as long as what is opened.</summary>
    /// <exception cref="DiskStructureException">It is no such file system, or is damaged.</exception>
    /// <exception cref="DiskUnsupportedException">It has a feature that is not known; the error names it.</exception>
    /// <exception cref="DiskException"/>
    public static Ext4FileSystem Open(IDiskImage volume, DiskLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(volume);
        limits ??= DiskLimits.Default;
        var superBlock = SuperBlock.Read(volume, limits);
        if (!superBlock.Has(IncompatFeatures.Recover)) return On(volume, superBlock, JournalBlocks.None, limits, JournalState.Clean);

        (JournalBlocks newer, JournalState state) = JournalReplay.Run(() => On(volume, superBlock, JournalBlocks.None, limits, JournalState.Clean));
        return On(volume, Renewed(superBlock, newer), newer, limits, state);
    }

    /// <summary>
    /// As <see cref="Open"/>, of a volume that shows what the kernel sees that has it mounted: the kernel's memory lies over the disk. What is
    /// in the journal and not yet in its place is in that memory, and newer there: the journal is left alone.
    /// </summary>
    /// <exception cref="DiskStructureException">It is no such file system, or is damaged.</exception>
    /// <exception cref="DiskUnsupportedException">It has a feature that is not known; the error names it.</exception>
    /// <exception cref="DiskException"/>
    public static Ext4FileSystem OpenMounted(IDiskImage volume, DiskLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(volume);
        limits ??= DiskLimits.Default;
        return On(volume, SuperBlock.Read(volume, limits), JournalBlocks.None, limits, JournalState.Clean);
    }

    /// <exception cref="DiskStructureException">There is no such inode, or it is damaged.</exception>
    internal Ext4Inode ReadInode(InodeNumber number)
    {
        if (number.Value == 0 || number.Value > SuperBlock.InodesCount) throw new DiskStructureException($"{number}", $"is not in the file system; it has {SuperBlock.InodesCount}");
        uint group = (number.Value - 1) / SuperBlock.InodesPerGroup;
        ulong offset = (number.Value - 1) % SuperBlock.InodesPerGroup * (ulong)SuperBlock.InodeSize;
        BlockNumber block = GroupDescriptor.InodeTable(Blocks, SuperBlock, group) + offset / (ulong)SuperBlock.BlockSize;
        var check = new Ext4Inode.Check(SuperBlock, number, (int)(offset % (ulong)SuperBlock.BlockSize));
        return new Ext4Inode(this, number, Blocks.Read(block, check).Slice(check.At, SuperBlock.InodeSize));
    }

    /// <summary>One that a directory names, or an extended attribute: not one of the file system's own.</summary>
    internal Ext4Inode ReadNamedInode(InodeNumber number) => number == InodeNumber.Root || number.Value >= SuperBlock.FirstInode
        ? ReadInode(number)
        : throw new DiskStructureException($"{number}", "is the file system's own; no name may lead to it");

    private static Ext4FileSystem On(IDiskImage volume, SuperBlock superBlock, JournalBlocks newer, DiskLimits limits, JournalState journal) =>
        new(superBlock, new BlockDevice(volume, superBlock, newer, limits), limits, journal);

    /// <summary>The superblock is a block like others: the journal may have a newer one.</summary>
    private static SuperBlock Renewed(SuperBlock superBlock, JournalBlocks newer) =>
        newer.TryGet(new BlockNumber((ulong)(SuperBlock.Offset / superBlock.BlockSize)), out ReadOnlySpan<byte> block)
            ? SuperBlock.Parse(block.Slice(SuperBlock.Offset % superBlock.BlockSize, SuperBlock.Size))
            : superBlock;
}
