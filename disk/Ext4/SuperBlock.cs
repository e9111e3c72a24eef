using Watari.Disk.Images;

namespace Watari.Disk.Ext4;

/// <summary>struct ext4_super_block (fs/ext4/ext4.h), checked: what is derived from it can neither overflow nor divide by zero.</summary>
internal sealed class SuperBlock
{
    public const int Offset = 1024;
    public const int Size = 1024;
    private const ushort Magic = 0xef53;
    private const int MaxLogBlockSize = 6; // 64 KiB
    private const int GoodOldInodeSize = 128, GoodOldFirstInode = 11;
    private const int LeastGroupSize = 32, LargeGroupSize = 64;
    private const byte ChecksumCrc32C = 1;
    private const string Where = "ext4 superblock";

    private readonly uint _backupGroup0;
    private readonly uint _backupGroup1;

    private SuperBlock(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Le16(0x38) != Magic) throw new DiskStructureException(Where, "has no ext4 magic number: this is no ext2, ext3 or ext4 file system");
        bool dynamic = bytes.Le32(0x4c) >= 1;
        if (dynamic)
        {
            Compat = (CompatFeatures)bytes.Le32(0x5c);
            Incompat = (IncompatFeatures)bytes.Le32(0x60);
            RoCompat = (RoCompatFeatures)bytes.Le32(0x64);
        }

        Ext4Features.Check(Incompat);
        HasChecksums = (RoCompat & RoCompatFeatures.MetadataCsum) != 0;
        if (HasChecksums && bytes[0x175] != ChecksumCrc32C) throw new DiskUnsupportedException(Where, $"checksums of type {bytes[0x175]}");
        if (HasChecksums && Crc32C.Append(Crc32C.Seed, bytes[..0x3fc]) != bytes.Le32(0x3fc)) throw new DiskChecksumException(Where);

        uint logBlockSize = bytes.Le32(0x18);
        if (logBlockSize > MaxLogBlockSize) throw new DiskStructureException(Where, $"blocks of 2^{10L + logBlockSize} bytes");
        BlockSize = 1024 << (int)logBlockSize;
        FirstDataBlock = bytes.Le32(0x14);
        InodesCount = bytes.Le32(0x0);
        InodesPerGroup = bytes.Le32(0x28);
        BlocksPerGroup = bytes.Le32(0x20);
        FirstInode = dynamic ? bytes.Le32(0x54) : GoodOldFirstInode;
        InodeSize = dynamic ? bytes.Le16(0x58) : GoodOldInodeSize;
        Uuid = bytes.Slice(0x68, 16).ToArray();
        int labelLength = bytes.Slice(0x78, 16).IndexOf((byte)0);
        Label = bytes.Slice(0x78, labelLength < 0 ? 16 : labelLength).ToArray();
        JournalInode = new InodeNumber(bytes.Le32(0xe0));
        FirstMetaBg = bytes.Le32(0x104);
        ChecksumSeed = Has(IncompatFeatures.CsumSeed) ? bytes.Le32(0x270) : Crc32C.Append(Crc32C.Seed, Uuid);
        (_backupGroup0, _backupGroup1) = (bytes.Le32(0x24c), bytes.Le32(0x250));
        BlocksCount = bytes.Le32(0x4);
        DescriptorSize = LeastGroupSize;
        if (Has(IncompatFeatures.SixtyFourBit))
        {
            BlocksCount |= (ulong)bytes.Le32(0x150) << 32;
            DescriptorSize = bytes.Le16(0xfe);
            if (DescriptorSize < LargeGroupSize || DescriptorSize > BlockSize || !int.IsPow2(DescriptorSize))
                throw new DiskStructureException(Where, $"group descriptors of {DescriptorSize} bytes");
        }

        if (InodeSize < GoodOldInodeSize || InodeSize > BlockSize || !int.IsPow2(InodeSize)) throw new DiskStructureException(Where, $"inodes of {InodeSize} bytes");
        if (BlocksPerGroup == 0 || InodesPerGroup == 0) throw new DiskStructureException(Where, "groups of no blocks or no inodes");
        // So that an offset in bytes is one of long.
        if (FirstDataBlock >= BlocksCount || BlocksCount > (ulong)long.MaxValue / (uint)BlockSize) throw new DiskStructureException(Where, $"{BlocksCount} blocks from {FirstDataBlock} on");
        ulong groups = (BlocksCount - FirstDataBlock + BlocksPerGroup - 1) / BlocksPerGroup;
        if (InodesCount < InodeNumber.Root.Value || (InodesCount - 1) / InodesPerGroup >= groups) throw new DiskStructureException(Where, $"{InodesCount} inodes in {groups} groups");
    }

    public CompatFeatures Compat { get; }

    public IncompatFeatures Incompat { get; }

    public RoCompatFeatures RoCompat { get; }

    /// <summary>Whether structures have checksums (metadata_csum).</summary>
    public bool HasChecksums { get; }

    /// <summary>What all checksums but the superblock's begin with.</summary>
    public uint ChecksumSeed { get; }

    /// <summary>In bytes, 1024 to 65536.</summary>
    public int BlockSize { get; }

    public ulong BlocksCount { get; }

    public uint FirstDataBlock { get; }

    public uint BlocksPerGroup { get; }

    public uint InodesCount { get; }

    public uint InodesPerGroup { get; }

    /// <summary>The first inode that is not for the file system itself.</summary>
    public uint FirstInode { get; }

    /// <summary>In bytes, of one in the table.</summary>
    public int InodeSize { get; }

    /// <summary>In bytes, of a group's.</summary>
    public int DescriptorSize { get; }

    public uint FirstMetaBg { get; }

    /// <summary>Of the journal; 0 where it is on another device.</summary>
    public InodeNumber JournalInode { get; }

    public byte[] Uuid { get; }

    public byte[] Label { get; }

    public bool Has(IncompatFeatures feature) => (Incompat & feature) != 0;

    public bool Has(CompatFeatures feature) => (Compat & feature) != 0;

    /// <exception cref="DiskStructureException"/>
    /// <exception cref="DiskUnsupportedException"/>
    public static SuperBlock Parse(ReadOnlySpan<byte> bytes) => new(bytes);

    /// <summary>From the device. One that tears is read again.</summary>
    public static SuperBlock Read(IDiskImage image, DiskLimits limits)
    {
        if (image.Length < Offset + Size) throw new DiskStructureException(Where, "lies behind the end of the volume");
        byte[] bytes = new byte[Size];
        var torn = new TornReads(limits);
        for (int attempt = 1; ; attempt++)
        {
            image.Read(Offset, bytes);
            try
            {
                return Parse(bytes);
            }
            catch (DiskChecksumException) when (torn.Again(attempt))
            {
                // Its VM writes it just now.
            }
        }
    }

    public static bool HasMagic(IDiskImage image)
    {
        if (image.Length < Offset + Size) return false;
        Span<byte> bytes = stackalloc byte[Size];
        image.Read(Offset, bytes);
        return Endian.Le16(bytes, 0x38) == Magic;
    }

    /// <summary>The block that holds this many-th block of group descriptors (descriptor_loc, fs/ext4/super.c).</summary>
    public BlockNumber DescriptorBlock(uint index)
    {
        ulong superBlock = (ulong)(Offset / BlockSize);
        if (!Has(IncompatFeatures.MetaBg) || index < FirstMetaBg) return new BlockNumber(superBlock + 1 + index);
        ulong group = (ulong)index * (uint)(BlockSize / DescriptorSize);
        // With blocks of 1 KiB that are counted from 0 (bigalloc) the superblock is the second.
        ulong copy = HasSuperBlock(group) ? BlockSize == Offset && index == 0 && FirstDataBlock == 0 ? 2ul : 1ul : 0ul;
        return new BlockNumber(FirstDataBlock + group * BlocksPerGroup + copy);
    }

    /// <summary>ext4_bg_has_super (fs/ext4/balloc.c).</summary>
    private bool HasSuperBlock(ulong group)
    {
        if (group == 0) return true;
        if (Has(CompatFeatures.SparseSuper2)) return group == _backupGroup0 || group == _backupGroup1;
        return group == 1 || (RoCompat & RoCompatFeatures.SparseSuper) == 0 || IsPowerOf(group, 3) || IsPowerOf(group, 5) || IsPowerOf(group, 7);
    }

    private static bool IsPowerOf(ulong number, ulong factor)
    {
        while (number % factor == 0) number /= factor;
        return number == 1;
    }
}
