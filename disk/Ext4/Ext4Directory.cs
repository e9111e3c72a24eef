using Watari.Disk.FileSystems;

namespace Watari.Disk.Ext4;

/// <summary>
/// Names in a directory (struct ext4_dir_entry_2, fs/ext4/ext4.h), read block by block. The blocks of a directory's index (htree) look
/// like ones with no names in them, so they need nothing but another way to check them.
/// </summary>
internal static class Ext4Directory
{
    private const int EntryHeaderSize = 8;

    /// <summary>By the type in an entry (EXT4_FT_*).</summary>
    private static readonly FileType[] s_types =
        [FileType.None, FileType.Regular, FileType.Directory, FileType.CharacterDevice, FileType.BlockDevice, FileType.Fifo, FileType.Socket, FileType.SymbolicLink];

    /// <exception cref="DiskException"/>
    public static IEnumerable<DirectoryEntry> Entries(Ext4Inode directory)
    {
        long count = 0;
        foreach (Part part in Parts(directory))
        {
            for (int at = 0; at < part.Bytes.Length;)
            {
                Raw entry = Raw.At(directory, part, at);
                at += entry.RecordLength;
                if (!entry.IsUsed) continue;
                if (++count > directory.FileSystem.Limits.DirectoryEntries) throw new DiskLimitException($"{directory.Number}, a directory", nameof(DiskLimits.DirectoryEntries), directory.FileSystem.Limits.DirectoryEntries);
                ReadOnlyMemory<byte> name = part.Bytes.Slice(entry.NameAt, entry.NameLength);
                if (!FileName.IsValid(name.Span)) throw new DiskStructureException(part.Structure(directory), $"\"{ByteText.Of(name.Span)}\" is no name");
                if (!IsDot(name.Span)) yield return new DirectoryEntry(new FileName(name), entry.Inode, entry.Type < s_types.Length ? s_types[entry.Type] : FileType.None);
            }
        }
    }

    /// <summary>Finds a name, allocating nothing for those that are passed.</summary>
    /// <exception cref="DiskException"/>
    public static bool TryFind(Ext4Inode directory, ReadOnlySpan<byte> wanted, out InodeNumber inode)
    {
        inode = default;
        if (!FileName.IsValid(wanted) || IsDot(wanted)) return false;
        byte[] name = wanted.ToArray(); // a span does not live through an enumeration
        foreach (Part part in Parts(directory))
        {
            for (int at = 0; at < part.Bytes.Length;)
            {
                Raw entry = Raw.At(directory, part, at);
                at += entry.RecordLength;
                if (!entry.IsUsed || !part.Bytes.Span.Slice(entry.NameAt, entry.NameLength).SequenceEqual(name)) continue;
                inode = new InodeNumber(entry.Inode);
                return true;
            }
        }

        return false;
    }

    private static bool IsDot(ReadOnlySpan<byte> name) => name.SequenceEqual("."u8) || name.SequenceEqual(".."u8);

    private static IEnumerable<Part> Parts(Ext4Inode directory)
    {
        directory.RequirePlain();
        if (directory.IsInline)
        {
            // The inode's number of the parent, then entries; more of them in the second piece.
            yield return new Part(directory.BlockArea[sizeof(uint)..], 0);
            yield return new Part(Ext4Attributes.InlineContents(directory), Ext4Inode.BlockAreaSize);
            yield break;
        }

        int blockSize = directory.FileSystem.SuperBlock.BlockSize;
        DiskLimits limits = directory.FileSystem.Limits;
        if (directory.Status.Size % blockSize != 0) throw new DiskStructureException($"{directory.Number}", $"a directory of {directory.Status.Size} bytes");
        long blocks = directory.Status.Size / blockSize;
        if (blocks > limits.DirectoryBlocks) throw new DiskLimitException($"{directory.Number}, a directory of {blocks} blocks", nameof(DiskLimits.DirectoryBlocks), limits.DirectoryBlocks);

        FileRun run = default;
        ulong used = 0; // blocks of the run
        for (uint block = 0; block < blocks; block++, used++)
        {
            if (used == run.Count) (run, used) = (directory.Map(new FileBlock(block)), 0);
            if (run.IsHole) throw new DiskStructureException($"{directory.Number}, block {block} of a directory", "is a hole");
            yield return new Part(directory.FileSystem.Blocks.Read(run.First + used, new Check(directory, block)), (long)block * blockSize);
        }
    }

    /// <summary>Entries that lie one behind the other, up to the end.</summary>
    /// <param name="Bytes">The entries.</param>
    /// <param name="Offset">Where in the directory they begin, for an error.</param>
    private readonly record struct Part(ReadOnlyMemory<byte> Bytes, long Offset)
    {
        public string Structure(Ext4Inode directory) => $"{directory.Number}, names at {Offset}";
    }

    /// <summary>One entry, checked: it lies in its part, and the next begins behind it.</summary>
    private readonly record struct Raw(uint Inode, int RecordLength, int NameAt, int NameLength, byte Type)
    {
        public bool IsUsed => Inode != 0;

        public static Raw At(Ext4Inode directory, in Part part, int at)
        {
            ReadOnlySpan<byte> bytes = part.Bytes.Span[at..];
            SuperBlock superBlock = directory.FileSystem.SuperBlock;
            if (bytes.Length < EntryHeaderSize) throw Wrong(directory, part, at, $"{bytes.Length} bytes are left");
            uint inode = bytes.Le32(0);
            int length = bytes.Le16(4);
            // Blocks of 64 KiB: such a length does not fit into the field (ext4_rec_len_from_disk).
            if (superBlock.BlockSize > ushort.MaxValue && length is 0 or ushort.MaxValue) length = superBlock.BlockSize;
            bool hasType = superBlock.Has(IncompatFeatures.FileType);
            int nameLength = hasType ? bytes[6] : bytes.Le16(6);
            if (length < (EntryHeaderSize + nameLength + 3 & ~3) && inode != 0 || length < EntryHeaderSize || length % 4 != 0 || length > bytes.Length)
                throw Wrong(directory, part, at, $"an entry of {length} bytes with a name of {nameLength}");
            if (inode > superBlock.InodesCount) throw Wrong(directory, part, at, $"names inode {inode} of {superBlock.InodesCount}");
            return new Raw(inode, length, at + EntryHeaderSize, nameLength, hasType ? bytes[7] : (byte)0);
        }

        private static DiskStructureException Wrong(Ext4Inode directory, in Part part, int at, string problem) => new($"{directory.Number}, name at {part.Offset + at}", problem);
    }

    /// <summary>A block of a directory: one with names has its checksum in what looks like an unused entry at its end, one of the index behind its entries.</summary>
    private readonly record struct Check(Ext4Inode Directory, uint Block) : IBlockCheck
    {
        private const int TailSize = 12;       // struct ext4_dir_entry_tail
        private const byte TailType = 0xde;
        private const int IndexEntrySize = 8;  // struct dx_entry, and struct dx_tail
        private const int RootCountAt = 0x20, NodeCountAt = 8;

        public string Structure => $"{Directory.Number}, block {Block} of a directory";

        public bool Fits(ReadOnlySpan<byte> block)
        {
            if (!Directory.FileSystem.SuperBlock.HasChecksums) return true;
            if ((Directory.Flags & Ext4InodeFlags.Index) != 0 && IndexCountAt(block) is int countAt) return FitsIndex(block, countAt);
            ReadOnlySpan<byte> tail = block[^TailSize..];
            return tail.Le32(0) == 0 && tail.Le16(4) == TailSize && tail[6] == 0 && tail[7] == TailType
                && Crc32C.Append(Directory.ChecksumSeed, block[..^TailSize]) == tail.Le32(8);
        }

        /// <summary>Where a block of the index has its counts (get_dx_countlimit, fs/ext4/namei.c); null for one with names.</summary>
        private int? IndexCountAt(ReadOnlySpan<byte> block)
        {
            if (Block != 0) return block.Le32(0) == 0 && LengthAt(block, 4) == block.Length ? NodeCountAt : null;
            return LengthAt(block, 4) == TailSize && LengthAt(block, 0x10) == block.Length - TailSize && block.Le32(0x18) == 0 && block[0x1d] == IndexEntrySize ? RootCountAt : null;
        }

        private static int LengthAt(ReadOnlySpan<byte> block, int at) => block.Length > ushort.MaxValue && block.Le16(at) is 0 or ushort.MaxValue ? block.Length : block.Le16(at);

        private bool FitsIndex(ReadOnlySpan<byte> block, int countAt)
        {
            int most = block.Le16(countAt), count = block.Le16(countAt + 2);
            int tailAt = countAt + most * IndexEntrySize;
            if (count > most || tailAt > block.Length - IndexEntrySize) return false;
            uint sum = Crc32C.Append(Directory.ChecksumSeed, block[..(countAt + count * IndexEntrySize)]);
            return Crc32C.Append(Crc32C.Append(sum, block.Slice(tailAt, 4)), 0u) == block.Le32(tailAt + 4);
        }
    }
}
