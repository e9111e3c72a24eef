namespace Watari.Disk.Ext4.Journal;

/// <summary>JBD2_FEATURE_INCOMPAT_* (include/linux/jbd2.h).</summary>
[Flags]
internal enum JournalFeatures : uint
{
    Revoke = 0x1,
    SixtyFourBit = 0x2,
    AsyncCommit = 0x4,
    CsumV2 = 0x8,
    CsumV3 = 0x10,
    FastCommit = 0x20,
    Known = Revoke | SixtyFourBit | AsyncCommit | CsumV2 | CsumV3 | FastCommit,
}

/// <summary>struct journal_superblock_s (include/linux/jbd2.h), checked. Words of a journal have their highest byte first.</summary>
internal sealed class JournalSuperBlock
{
    public const uint Magic = 0xc03b3998;
    public const int Size = 1024;
    private const uint VersionTwo = 4; // the block type of the one with features
    private const uint CompatChecksum = 0x1;
    private const byte ChecksumCrc32C = 4;
    private const int ChecksumAt = 0xfc;
    private const uint DefaultFastCommitBlocks = 256, LeastBlocks = 1024; // JBD2_DEFAULT_FAST_COMMIT_BLOCKS, JBD2_MIN_JOURNAL_BLOCKS
    private const string Where = "journal superblock";

    public JournalSuperBlock(ReadOnlySpan<byte> bytes, int blockSize, long journalBlocks)
    {
        if (bytes.Be32(0) != Magic || bytes.Be32(4) is not (3 or VersionTwo)) throw new DiskStructureException(Where, "has no magic number");
        if (bytes.Be32(0xc) != blockSize) throw new DiskStructureException(Where, $"blocks of {bytes.Be32(0xc)} bytes; the file system's have {blockSize}");
        uint blocks = bytes.Be32(0x10);
        First = bytes.Be32(0x14);
        Sequence = bytes.Be32(0x18);
        Start = bytes.Be32(0x1c);
        if (bytes.Be32(4) == VersionTwo)
        {
            HasDataChecksums = (bytes.Be32(0x24) & CompatChecksum) != 0;
            Features = (JournalFeatures)bytes.Be32(0x28);
            if ((Features & ~JournalFeatures.Known) is not 0 and JournalFeatures unknown) throw new DiskUnsupportedException(Where, $"features 0x{(uint)unknown:x} that are not known");
            ChecksumSeed = Crc32C.Append(Crc32C.Seed, bytes.Slice(0x30, 16));
            if (HasChecksums)
            {
                if (bytes[0x50] != ChecksumCrc32C) throw new DiskUnsupportedException(Where, $"checksums of type {bytes[0x50]}");
                uint sum = Crc32C.Append(Crc32C.Append(Crc32C.Append(Crc32C.Seed, bytes[..ChecksumAt]), 0u), bytes[(ChecksumAt + sizeof(uint))..Size]);
                if (sum != bytes.Be32(ChecksumAt)) throw new DiskChecksumException(Where);
            }
        }

        End = blocks;
        if (Has(JournalFeatures.FastCommit))
        {
            uint fast = bytes.Be32(0x54) is not 0 and uint count ? count : DefaultFastCommitBlocks;
            if (blocks >= (ulong)fast + LeastBlocks) End = blocks - fast;
        }

        if (blocks > journalBlocks) throw new DiskStructureException(Where, $"{blocks} blocks in a journal of {journalBlocks}");
        if (First == 0 || First >= End) throw new DiskStructureException(Where, $"a log of blocks {First} to {End}");
        if (Start != 0 && (Start < First || Start >= End)) throw new DiskStructureException(Where, $"a log that begins at {Start}, outside of {First} to {End}");
    }

    public JournalFeatures Features { get; }

    /// <summary>Whether commits have a checksum of their transaction's blocks (the journal's first kind of checksums).</summary>
    public bool HasDataChecksums { get; }

    /// <summary>Whether each of its structures has a checksum, and each block in it (its second and third kind).</summary>
    public bool HasChecksums => (Features & (JournalFeatures.CsumV2 | JournalFeatures.CsumV3)) != 0;

    public uint ChecksumSeed { get; }

    /// <summary>The first block of the log, which goes round from here to <see cref="End"/>.</summary>
    public uint First { get; }

    /// <summary>Behind the last block of the log; blocks for fast commits may follow.</summary>
    public uint End { get; }

    /// <summary>The number of the first transaction in the log.</summary>
    public uint Sequence { get; }

    /// <summary>Where that begins; 0 where nothing is to be replayed.</summary>
    public uint Start { get; }

    public bool Has(JournalFeatures feature) => (Features & feature) != 0;
}
