using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Watari.Disk.Ext4.Journal;

/// <summary>
/// What a mount would replay of a journal (fs/jbd2/recovery.c), done in memory: blocks of all transactions that were committed whole,
/// the newest of each, but for those that were revoked since.
/// </summary>
internal sealed class JournalReplay
{
    private const uint DescriptorBlock = 1, CommitBlock = 2, RevokeBlock = 5;
    private const int HeaderSize = 12, RevokeHeaderSize = 16, TailSize = 4, UuidSize = 16;
    private const uint Escape = 1, SameUuid = 2, LastTag = 8; // JBD2_FLAG_*
    private const byte ChecksumCrc32 = 1;
    private const ushort FastCommitHead = 9; // EXT4_FC_TAG_HEAD (fs/ext4/fast_commit.h)

    private readonly Ext4FileSystem _fileSystem;
    private readonly JournalLog _log;
    private readonly JournalSuperBlock _superBlock;
    private readonly long _blocks;

    private readonly Dictionary<BlockNumber, Tag> _newest = [];
    private readonly Dictionary<BlockNumber, uint> _revoked = []; // by which transaction
    private readonly List<Tag> _tags = [];                        // of the transaction that is read
    private readonly List<BlockNumber> _revokes = [];
    private int _transactions;
    private uint _sequence;                                       // of that transaction
    private uint _at;                                             // the next block of the log
    private long _left;                                           // blocks before the log has gone round
    private uint _dataSum = uint.MaxValue;

    private JournalReplay(Ext4FileSystem onDevice)
    {
        _fileSystem = onDevice;
        DiskLimits limits = onDevice.Limits;
        InodeNumber number = onDevice.SuperBlock.JournalInode;
        if (number.Value == 0) throw new DiskUnsupportedException("ext4: a journal that was not replayed", "is on another device");
        Ext4Inode inode = onDevice.ReadInode(number);
        _blocks = inode.Status.Size / onDevice.SuperBlock.BlockSize;
        if (_blocks > limits.JournalBlocks) throw new DiskLimitException("journal", nameof(DiskLimits.JournalBlocks), limits.JournalBlocks);
        _log = new JournalLog(inode);
        _superBlock = ReadSuperBlock();
    }

    /// <param name="onDevice">Opens the file system as its device has it, each time anew.</param>
    /// <exception cref="DiskStructureException">The journal is damaged, or its VM writes it faster than it can be read.</exception>
    /// <exception cref="DiskException"/>
    public static (JournalBlocks Newer, JournalState State) Run(Func<Ext4FileSystem> onDevice)
    {
        for (int attempt = 1; ; attempt++)
        {
            Ext4FileSystem fileSystem = onDevice();
            try
            {
                var replay = new JournalReplay(fileSystem);
                (JournalBlocks, JournalState) result = replay.Replay();
                // The log behind its beginning is not written again before the superblock has another beginning.
                JournalSuperBlock now = replay.ReadSuperBlock();
                if (now.Start == replay._superBlock.Start && now.Sequence == replay._superBlock.Sequence) return result;
                if (attempt >= fileSystem.Limits.Attempts) throw new DiskStructureException("journal", $"its VM wrote it anew while it was read, {attempt} times");
            }
            catch (DiskStructureException) when (attempt < fileSystem.Limits.Attempts)
            {
                // Perhaps it tore: its VM writes it.
            }
        }
    }

    private JournalSuperBlock ReadSuperBlock() => new(_log.BlockNow(0), _fileSystem.SuperBlock.BlockSize, _blocks);

    private (JournalBlocks, JournalState) Replay()
    {
        _sequence = _superBlock.Sequence;
        if (_superBlock.Start != 0) Scan();
        bool fast = HasFastCommits();
        Dictionary<BlockNumber, byte[]> blocks = ReadNewest();
        return (new JournalBlocks(blocks), new JournalState(_transactions, blocks.Count, (long)blocks.Count * _fileSystem.SuperBlock.BlockSize, fast));
    }

    /// <summary>Finds all committed transactions. The log ends where something else follows than the next of them.</summary>
    private void Scan()
    {
        _at = _superBlock.Start;
        _left = _superBlock.End - _superBlock.First;
        bool suspicious = false; // something of this transaction has a wrong checksum: it is left from an older log, or damaged
        ulong lastCommit = 0;
        while (TryTakeBlock(out uint number))
        {
            ReadOnlySpan<byte> block = _log.Block(number);
            if (block.Be32(0) != JournalSuperBlock.Magic || block.Be32(8) != _sequence) return;
            switch (block.Be32(4))
            {
                case DescriptorBlock:
                    suspicious |= !HasRightTail(block);
                    if (!TakeDescriptor(block)) return;
                    break;
                case RevokeBlock:
                    suspicious |= !HasRightTail(block);
                    TakeRevokes(block);
                    break;
                case CommitBlock:
                    ulong commit = block.Be64(0x30);
                    if (suspicious && commit >= lastCommit) throw new DiskChecksumException($"journal, transaction {_sequence}");
                    if (suspicious || !HasRightSum(block)) return;
                    lastCommit = commit;
                    Commit();
                    break;
                default:
                    return;
            }
        }
    }

    private void Commit()
    {
        foreach (Tag tag in _tags) _newest[tag.Block] = tag;
        foreach (BlockNumber block in _revokes) _revoked[block] = _sequence;
        _tags.Clear();
        _revokes.Clear();
        _dataSum = uint.MaxValue;
        _transactions++;
        _sequence = unchecked(_sequence + 1);
    }

    /// <summary>Takes the tags of a descriptor block, and passes the blocks that they describe. False where the log ends among them.</summary>
    private bool TakeDescriptor(ReadOnlySpan<byte> block)
    {
        bool summed = _superBlock.HasDataChecksums && !_superBlock.HasChecksums;
        if (summed) _dataSum = Crc32Be.Append(_dataSum, block);
        int first = _tags.Count;
        int size = TagSize, end = block.Length - (_superBlock.HasChecksums ? TailSize : 0);
        for (int at = HeaderSize; at + size <= end;)
        {
            if (!TryTakeBlock(out uint number)) return false;
            Tag tag = ReadTag(block.Slice(at, size), number, out uint flags);
            _tags.Add(tag);
            at += size + ((flags & SameUuid) != 0 ? 0 : UuidSize);
            if ((flags & LastTag) != 0) break;
        }

        // Only now: to read them is the end of the descriptor's bytes.
        for (int i = first; summed && i < _tags.Count; i++) _dataSum = Crc32Be.Append(_dataSum, _log.Block(_tags[i].LogBlock));
        return true;
    }

    /// <summary>journal_tag_bytes (fs/jbd2/journal.c).</summary>
    private int TagSize => _superBlock.Has(JournalFeatures.CsumV3) ? 16
        : 8 + (_superBlock.Has(JournalFeatures.CsumV2) ? 2 : 0) + (_superBlock.Has(JournalFeatures.SixtyFourBit) ? 4 : 0);

    /// <summary>journal_block_tag3_t, or journal_block_tag_t.</summary>
    private Tag ReadTag(ReadOnlySpan<byte> bytes, uint logBlock, out uint flags)
    {
        ulong block = bytes.Be32(0);
        if (_superBlock.Has(JournalFeatures.SixtyFourBit)) block |= (ulong)bytes.Be32(8) << 32;
        uint sum = _superBlock.Has(JournalFeatures.CsumV3) ? bytes.Be32(12) : bytes.Be16(4);
        flags = bytes.Be16(6);
        return new Tag(new BlockNumber(block), logBlock, _sequence, (flags & Escape) != 0, sum);
    }

    private void TakeRevokes(ReadOnlySpan<byte> block)
    {
        uint length = block.Be32(HeaderSize);
        if (length > block.Length - (_superBlock.HasChecksums ? TailSize : 0)) throw new DiskStructureException($"journal, revoke block of transaction {_sequence}", $"{length} bytes of records");
        int size = _superBlock.Has(JournalFeatures.SixtyFourBit) ? sizeof(ulong) : sizeof(uint);
        for (int at = RevokeHeaderSize; at + size <= length; at += size)
        {
            if (_revoked.Count + _revokes.Count >= _fileSystem.Limits.JournalRevokes) throw new DiskLimitException("journal", nameof(DiskLimits.JournalRevokes), _fileSystem.Limits.JournalRevokes);
            _revokes.Add(new BlockNumber(size == sizeof(ulong) ? block.Be64(at) : block.Be32(at)));
        }
    }

    private Dictionary<BlockNumber, byte[]> ReadNewest()
    {
        int blockSize = _fileSystem.SuperBlock.BlockSize;
        List<Tag> tags = [.. _newest.Values.Where(tag => !IsRevoked(tag)).OrderBy(tag => tag.LogBlock)];
        if (tags.Count * (long)blockSize > _fileSystem.Limits.JournalBytes) throw new DiskLimitException("journal", nameof(DiskLimits.JournalBytes), _fileSystem.Limits.JournalBytes);
        var blocks = new Dictionary<BlockNumber, byte[]>(tags.Count);
        foreach (Tag tag in tags)
        {
            if (tag.Block.Value >= _fileSystem.SuperBlock.BlocksCount) throw new DiskStructureException($"journal, transaction {tag.Sequence}", $"{tag.Block} is not in the file system");
            byte[] bytes = _log.Block(tag.LogBlock).ToArray();
            if (!HasRightSum(tag, bytes)) throw new DiskChecksumException($"journal, {tag.Block} of transaction {tag.Sequence}");
            // A block that begins as one of the journal's own does is written with zeroes there.
            if (tag.IsEscaped) BinaryPrimitives.WriteUInt32BigEndian(bytes, JournalSuperBlock.Magic);
            blocks[tag.Block] = bytes;
        }

        return blocks;
    }

    /// <summary>Numbers of transactions go round: the later one is less than half of them ahead.</summary>
    private bool IsRevoked(Tag tag) => _revoked.TryGetValue(tag.Block, out uint by) && unchecked((int)(by - tag.Sequence)) >= 0;

    /// <summary>The first fast commit after the last whole one begins at the first of their blocks, with that transaction's number.</summary>
    private bool HasFastCommits()
    {
        if (!_superBlock.Has(JournalFeatures.FastCommit) || _superBlock.End >= _blocks) return false;
        ReadOnlySpan<byte> block = _log.Block(_superBlock.End);
        return block.Le16(0) == FastCommitHead && block.Le32(8) == _sequence;
    }

    /// <summary>Takes the next block of the log, which goes round. False where it has gone round.</summary>
    private bool TryTakeBlock(out uint number)
    {
        number = _at;
        if (_left-- <= 0) return false;
        _at = _at + 1 < _superBlock.End ? _at + 1 : _superBlock.First;
        return true;
    }

    private bool HasRightTail(ReadOnlySpan<byte> block) => !_superBlock.HasChecksums
        || Crc32C.Append(Crc32C.Append(_superBlock.ChecksumSeed, block[..^TailSize]), 0u) == block.Be32(block.Length - TailSize);

    /// <summary>struct commit_header: of the second and third kind of checksums one of the block itself, of the first one of the transaction.</summary>
    private bool HasRightSum(ReadOnlySpan<byte> commit)
    {
        uint sum = commit.Be32(16);
        if (_superBlock.HasChecksums)
            return Crc32C.Append(Crc32C.Append(Crc32C.Append(_superBlock.ChecksumSeed, commit[..16]), 0u), commit[20..]) == sum;
        if (!_superBlock.HasDataChecksums) return true;
        byte type = commit[12], size = commit[13];
        return sum == _dataSum && type == ChecksumCrc32 && size == sizeof(uint) || sum == 0 && type == 0 && size == 0;
    }

    private bool HasRightSum(Tag tag, ReadOnlySpan<byte> bytes)
    {
        if (!_superBlock.HasChecksums) return true;
        uint sum = Crc32C.Append(Crc32C.Append(_superBlock.ChecksumSeed, BinaryPrimitives.ReverseEndianness(tag.Sequence)), bytes);
        return _superBlock.Has(JournalFeatures.CsumV3) ? sum == tag.Checksum : (ushort)sum == tag.Checksum;
    }

    /// <summary>A block of the file system in the log.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Tag(BlockNumber Block, uint LogBlock, uint Sequence, bool IsEscaped, uint Checksum);
}
