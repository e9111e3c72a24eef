using Watari.Disk.FileSystems;

namespace Watari.Disk.Ext4;

/// <summary>struct ext4_inode (fs/ext4/ext4.h), as it was when it was read.</summary>
internal sealed class Ext4Inode : IInode
{
    /// <summary>Bytes of i_block: the root of its extents, its first blocks, a short link's target, or the beginning of its contents.</summary>
    public const int BlockAreaSize = 60;
    public const int GoodOldSize = 128;
    private const int BlockAreaAt = 0x28;
    private const int MaxLinkLength = 4095;

    private readonly ReadOnlyMemory<byte> _raw;

    public Ext4Inode(Ext4FileSystem fileSystem, InodeNumber number, ReadOnlyMemory<byte> raw)
    {
        FileSystem = fileSystem;
        Number = number;
        _raw = raw;
        ReadOnlySpan<byte> bytes = raw.Span;
        if (raw.Length > GoodOldSize) ExtraSize = bytes.Le16(0x80);
        if (ExtraSize > raw.Length - GoodOldSize) throw new DiskStructureException($"{number}", $"{ExtraSize} more bytes than the first {GoodOldSize}");
        Flags = (Ext4InodeFlags)bytes.Le32(0x20);
        Status = ReadStatus();
        if (Status.Nlink == 0) throw new DiskStructureException($"{number}", "is not in use, and a name leads to it");
    }

    public Ext4FileSystem FileSystem { get; }

    public InodeNumber Number { get; }

    public Ext4InodeFlags Flags { get; }

    public FileStatus Status { get; }

    /// <summary>All its bytes in the table.</summary>
    public ReadOnlyMemory<byte> Raw => _raw;

    /// <summary>Bytes behind the first 128 that are its own (i_extra_isize); extended attributes follow.</summary>
    public int ExtraSize { get; }

    /// <summary>i_block.</summary>
    public ReadOnlyMemory<byte> BlockArea => _raw.Slice(BlockAreaAt, BlockAreaSize);

    /// <summary>Of the block with its extended attributes; 0 where it has none.</summary>
    public BlockNumber AttributeBlock
    {
        get
        {
            ReadOnlySpan<byte> raw = _raw.Span;
            ulong block = raw.Le32(0x68);
            return new BlockNumber(FileSystem.SuperBlock.Has(IncompatFeatures.SixtyFourBit) ? block | (ulong)raw.Le16(0x76) << 32 : block);
        }
    }

    /// <summary>What checksums of its blocks begin with.</summary>
    public uint ChecksumSeed => SeedOf(FileSystem.SuperBlock, Number, _raw.Span);

    public bool IsInline => (Flags & Ext4InodeFlags.InlineData) != 0;

    private string Structure => $"{Number}";

    public IEnumerable<DirectoryEntry> Entries
    {
        get
        {
            Require(FileType.Directory);
            return Ext4Directory.Entries(this);
        }
    }

    public IInode Open(in DirectoryEntry entry)
    {
        Require(FileType.Directory);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.Ino, uint.MaxValue, nameof(entry));
        return FileSystem.ReadNamedInode(new InodeNumber((uint)entry.Ino));
    }

    public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
    {
        Require(FileType.Directory);
        bool found = Ext4Directory.TryFind(this, name, out InodeNumber number);
        inode = found ? FileSystem.ReadNamedInode(number) : null!;
        return found;
    }

    public int Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        Require(FileType.Regular);
        return ReadContents(offset, destination);
    }

    public bool TryFindData(long offset, out FileRange data)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        Require(FileType.Regular);
        RequirePlain();
        data = default;
        if (offset >= Status.Size) return false;
        if (IsInline)
        {
            data = new FileRange(offset, Status.Size - offset);
            return true;
        }

        long blockSize = FileSystem.SuperBlock.BlockSize;
        long begin = -1, at = offset;
        for (int runs = 0; at < Status.Size; runs++)
        {
            if (runs == FileSystem.Limits.Runs)
            {
                // All before it is known: a part of a long run is as good as all of it.
                if (begin >= 0) break;
                throw new DiskLimitException($"{Number}, a hole", nameof(DiskLimits.Runs), FileSystem.Limits.Runs);
            }

            FileRun run = Map(at);
            if (run.IsHole && begin >= 0) break;
            if (!run.IsHole && begin < 0) begin = at;
            at = EndOf(run, at, blockSize);
        }

        if (begin < 0) return false;
        data = new FileRange(begin, Math.Min(at, Status.Size) - begin);
        return true;
    }

    public ReadOnlyMemory<byte> ReadLink()
    {
        Require(FileType.SymbolicLink);
        RequirePlain();
        if (Status.Size > MaxLinkLength) throw new DiskStructureException(Structure, $"a symbolic link of {Status.Size} bytes");
        // A short target is in i_block itself; no extents are there then (ext4_inode_is_fast_symlink).
        if (!IsInline && Status.Size < BlockAreaSize && (Flags & Ext4InodeFlags.Extents) == 0) return BlockArea[..(int)Status.Size];
        byte[] target = new byte[Status.Size];
        ReadContents(0, target);
        return target;
    }

    public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => Ext4Attributes.Read(this);

    /// <summary>Of any type that has contents: files, long links, the journal.</summary>
    public int ReadContents(long offset, Span<byte> destination)
    {
        RequirePlain();
        if (offset >= Status.Size) return 0;
        int length = (int)Math.Min(destination.Length, Status.Size - offset);
        destination = destination[..length];
        if (IsInline)
        {
            InlineData.Read(this, offset, destination);
            return length;
        }

        int blockSize = FileSystem.SuperBlock.BlockSize;
        while (!destination.IsEmpty)
        {
            FileRun run = Map(offset);
            int count = (int)Math.Min(destination.Length, EndOf(run, offset, blockSize) - offset);
            if (run.IsHole) destination[..count].Clear();
            else FileSystem.Blocks.ReadData(run.First, (int)(offset % blockSize), destination[..count], Number);
            destination = destination[count..];
            offset += count;
        }

        return length;
    }

    /// <summary>Blocks of the file from one on: where they are.</summary>
    public FileRun Map(FileBlock block) => (Flags & Ext4InodeFlags.Extents) != 0 ? ExtentTree.Map(this, block) : IndirectBlocks.Map(this, block);

    /// <summary>Encrypted contents are there, and mean nothing.</summary>
    /// <exception cref="DiskUnsupportedException"/>
    public void RequirePlain()
    {
        if ((Flags & Ext4InodeFlags.Encrypt) != 0) throw new DiskUnsupportedException(Structure, "is encrypted");
    }

    private FileRun Map(long offset)
    {
        ulong block = (ulong)offset / (ulong)FileSystem.SuperBlock.BlockSize;
        return block < FileBlock.End ? Map(new FileBlock((uint)block)) : throw new DiskStructureException(Structure, $"a file of {Status.Size} bytes");
    }

    /// <summary>Where a run ends, in bytes of the file, that holds an offset.</summary>
    private static long EndOf(FileRun run, long offset, long blockSize) => (offset / blockSize + (long)run.Count) * blockSize;

    private FileStatus ReadStatus()
    {
        ReadOnlySpan<byte> raw = _raw.Span;
        ushort mode = raw.Le16(0);
        var type = (FileType)(mode & 0xf000);
        ulong size = raw.Le32(0x4);
        // In others the upper word was once for something else (ext4_isize).
        if (type == FileType.Regular || FileSystem.SuperBlock.Has(IncompatFeatures.LargeDir)) size |= (ulong)raw.Le32(0x6c) << 32;
        if (size > long.MaxValue) throw new DiskStructureException(Structure, $"a file of {size} bytes");
        return new FileStatus
        {
            Ino = Number.Value,
            Mode = mode,
            Nlink = raw.Le16(0x1a),
            Uid = raw.Le16(0x2) | (uint)raw.Le16(0x78) << 16,
            Gid = raw.Le16(0x18) | (uint)raw.Le16(0x7a) << 16,
            Size = (long)size,
            Rdev = type is FileType.BlockDevice or FileType.CharacterDevice ? DeviceIn(raw[BlockAreaAt..]) : default,
            Atime = TimeAt(raw, 0x8, 0x8c),
            Ctime = TimeAt(raw, 0xc, 0x84),
            Mtime = TimeAt(raw, 0x10, 0x88),
            Btime = HasExtra(0x94) ? TimeAt(raw, 0x90, 0x94) : null,
        };
    }

    /// <summary>The first word has the old encoding of a device's number, the second the new one where that is zero.</summary>
    private static DeviceNumber DeviceIn(ReadOnlySpan<byte> blocks)
    {
        uint device = blocks.Le32(0);
        if (device != 0) return new DeviceNumber(device >> 8 & 0xff, device & 0xff);
        device = blocks.Le32(4);
        return new DeviceNumber(device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xfff00);
    }

    /// <summary>Seconds of 32 bits with a sign; two bits more of them and the nanoseconds in a word of the inode's second part.</summary>
    private FileTime TimeAt(ReadOnlySpan<byte> raw, int at, int extraAt)
    {
        long seconds = (int)raw.Le32(at);
        if (!HasExtra(extraAt)) return new FileTime(seconds, 0);
        uint extra = raw.Le32(extraAt);
        return new FileTime(seconds + ((long)(extra & 3) << 32), extra >> 2);
    }

    /// <summary>Whether a word of the inode's second part is its own (EXT4_FITS_IN_INODE).</summary>
    private bool HasExtra(int at) => at + sizeof(uint) <= GoodOldSize + ExtraSize;

    private void Require(FileType type)
    {
        if (Status.Type != type) throw new InvalidOperationException($"{Number} is a {Status.Type}, not a {type}.");
    }

    private static uint SeedOf(SuperBlock superBlock, InodeNumber number, ReadOnlySpan<byte> raw) =>
        Crc32C.Append(Crc32C.Append(superBlock.ChecksumSeed, number.Value), raw.Le32(0x64)); // i_generation

    /// <summary>One in a block of the table.</summary>
    public readonly record struct Check(SuperBlock SuperBlock, InodeNumber Number, int At) : IBlockCheck
    {
        private const int ChecksumLowAt = 0x7c, ChecksumHighAt = 0x82;

        public string Structure => $"{Number}";

        public bool Fits(ReadOnlySpan<byte> block)
        {
            if (!SuperBlock.HasChecksums) return true;
            ReadOnlySpan<byte> raw = block.Slice(At, SuperBlock.InodeSize);
            uint sum = Crc32C.Append(SeedOf(SuperBlock, Number, raw), raw[..ChecksumLowAt]);
            sum = Crc32C.Append(Crc32C.Append(sum, (ushort)0), raw[(ChecksumLowAt + sizeof(ushort))..GoodOldSize]);
            if (raw.Length == GoodOldSize) return (ushort)sum == raw.Le16(ChecksumLowAt);
            sum = Crc32C.Append(sum, raw[GoodOldSize..ChecksumHighAt]);
            bool hasHigh = raw.Le16(0x80) >= ChecksumHighAt + sizeof(ushort) - GoodOldSize;
            sum = hasHigh
                ? Crc32C.Append(Crc32C.Append(sum, (ushort)0), raw[(ChecksumHighAt + sizeof(ushort))..])
                : Crc32C.Append(sum, raw[ChecksumHighAt..]);
            return hasHigh ? sum == (raw.Le16(ChecksumLowAt) | (uint)raw.Le16(ChecksumHighAt) << 16) : (ushort)sum == raw.Le16(ChecksumLowAt);
        }
    }
}

/// <summary>EXT4_*_FL (fs/ext4/ext4.h).</summary>
[Flags]
internal enum Ext4InodeFlags : uint
{
    Encrypt = 0x800,
    Index = 0x1000,
    Extents = 0x80000,
    EaInode = 0x200000,
    InlineData = 0x10000000,
}
