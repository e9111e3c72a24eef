using System.Buffers.Binary;
using System.Text;
using Watari.Disk.FileSystems;

namespace Watari.Disk.Ext4;

/// <summary>Extended attributes (fs/ext4/xattr.h): behind the inode's own bytes, in a block, and large values in inodes of their own.</summary>
internal static class Ext4Attributes
{
    private const uint Magic = 0xea020000;
    private const int InInodeHeaderSize = 4, BlockHeaderSize = 32, ChecksumAt = 0x10;

    private const byte IndexSystem = 7;

    /// <summary>By the kernel's e_name_index: what a name begins with. What has no handler in the kernel is not shown.</summary>
    private static readonly string?[] s_prefixes = [null, "user.", "system.posix_acl_access", "system.posix_acl_default", "trusted.", null, "security."];

    public static IReadOnlyList<ExtendedAttribute> Read(Ext4Inode inode)
    {
        List<ExtendedAttribute> attributes = [];
        long bytes = 0;
        if (TryInInode(inode, out Area area)) Read(inode, area, attributes, ref bytes);
        if (inode.AttributeBlock.Value != 0) Read(inode, InBlock(inode), attributes, ref bytes);
        return attributes;
    }

    /// <summary>What of a file's contents lies behind its inode's own bytes: the attribute system.data.</summary>
    public static ReadOnlyMemory<byte> InlineContents(Ext4Inode inode)
    {
        if (!TryInInode(inode, out Area area)) return default;
        for (int at = area.First; area.TryEntry(ref at, out Entry entry);)
        {
            if (entry.Index == IndexSystem && entry.Name.Span.SequenceEqual("data"u8)) return area.Value(entry);
        }

        return default;
    }

    private static void Read(Ext4Inode inode, Area area, List<ExtendedAttribute> attributes, ref long bytes)
    {
        DiskLimits limits = inode.FileSystem.Limits;
        for (int at = area.First; area.TryEntry(ref at, out Entry entry);)
        {
            if (entry.Index >= s_prefixes.Length || s_prefixes[entry.Index] is not { } prefix) continue;
            if (entry.ValueSize > limits.AttributeBytes) throw new DiskLimitException(area.Structure, nameof(DiskLimits.AttributeBytes), limits.AttributeBytes);
            bytes += entry.Name.Length + entry.ValueSize;
            if (bytes > limits.AttributesBytes) throw new DiskLimitException(area.Structure, nameof(DiskLimits.AttributesBytes), limits.AttributesBytes);

            byte[] name = [.. Encoding.ASCII.GetBytes(prefix), .. entry.Name.Span];
            if (!FileName.IsValid(name)) throw new DiskStructureException(area.Structure, $"a name of {name.Length} bytes: {ByteText.Of(name)}");
            ReadOnlyMemory<byte> value = entry.ValueInode.Value == 0 ? area.Value(entry) : ReadValueInode(inode, entry);
            attributes.Add(new ExtendedAttribute(new FileName(name), prefix.StartsWith("system.posix_acl", StringComparison.Ordinal) ? PosixAcl.ToXattr(value.Span, area.Structure) : value));
        }
    }

    private static byte[] ReadValueInode(Ext4Inode inode, Entry entry)
    {
        Ext4Inode holder = inode.FileSystem.ReadNamedInode(entry.ValueInode);
        if ((holder.Flags & Ext4InodeFlags.EaInode) == 0 || holder.Status.Size != entry.ValueSize)
            throw new DiskStructureException($"{inode.Number}, extended attributes", $"{entry.ValueInode} does not hold a value of {entry.ValueSize} bytes");
        byte[] value = new byte[entry.ValueSize];
        holder.ReadContents(0, value);
        return value;
    }

    private static bool TryInInode(Ext4Inode inode, out Area area)
    {
        area = default;
        if (inode.ExtraSize == 0) return false;
        ReadOnlyMemory<byte> bytes = inode.Raw[(Ext4Inode.GoodOldSize + inode.ExtraSize)..];
        if (bytes.Length < InInodeHeaderSize || Endian.Le32(bytes.Span, 0) != Magic) return false;
        area = new Area(bytes, InInodeHeaderSize, InInodeHeaderSize, inode.Number);
        return true;
    }

    private static Area InBlock(Ext4Inode inode)
    {
        BlockNumber block = inode.AttributeBlock;
        ReadOnlyMemory<byte> bytes = inode.FileSystem.Blocks.Read(block, new Check(inode.FileSystem.SuperBlock, inode.Number, block));
        if (Endian.Le32(bytes.Span, 0) != Magic) throw new DiskStructureException($"{inode.Number}, extended attributes in {block}", "no magic number");
        return new Area(bytes, BlockHeaderSize, 0, inode.Number);
    }

    /// <summary>struct ext4_xattr_entry, its value aside.</summary>
    private readonly record struct Entry(byte Index, ReadOnlyMemory<byte> Name, int ValueOffset, InodeNumber ValueInode, uint ValueSize);

    /// <summary>Where entries and their values are.</summary>
    /// <param name="Bytes">All of it.</param>
    /// <param name="First">The first entry.</param>
    /// <param name="ValueBase">What offsets of values begin at.</param>
    private readonly record struct Area(ReadOnlyMemory<byte> Bytes, int First, int ValueBase, InodeNumber Inode)
    {
        private const int EntrySize = 16;

        public string Structure => $"{Inode}, extended attributes";

        /// <summary>Takes the entry at a place, and goes to the next.</summary>
        public bool TryEntry(ref int at, out Entry entry)
        {
            entry = default;
            ReadOnlySpan<byte> bytes = Bytes.Span;
            // The end is a word of zeroes, or the area's.
            if (at > bytes.Length - sizeof(uint) || bytes.Le32(at) == 0) return false;
            int nameLength = bytes[at];
            int next = at + (EntrySize + nameLength + 3 & ~3);
            if (next > bytes.Length) throw new DiskStructureException(Structure, $"an entry at {at} is over their end");
            entry = new Entry(bytes[at + 1], Bytes.Slice(at + EntrySize, nameLength), bytes.Le16(at + 2), new InodeNumber(bytes.Le32(at + 4)), bytes.Le32(at + 8));
            at = next;
            return true;
        }

        public ReadOnlyMemory<byte> Value(Entry entry)
        {
            ReadOnlyMemory<byte> values = Bytes[ValueBase..];
            return entry.ValueOffset <= values.Length && entry.ValueSize <= values.Length - entry.ValueOffset
                ? values.Slice(entry.ValueOffset, (int)entry.ValueSize)
                : throw new DiskStructureException(Structure, $"a value of {entry.ValueSize} bytes at {entry.ValueOffset} is over their end");
        }
    }

    private readonly record struct Check(SuperBlock SuperBlock, InodeNumber Inode, BlockNumber Block) : IBlockCheck
    {
        public string Structure => $"{Inode}, extended attributes in {Block}";

        public bool Fits(ReadOnlySpan<byte> block)
        {
            if (!SuperBlock.HasChecksums) return true;
            uint sum = Crc32C.Append(Crc32C.Append(SuperBlock.ChecksumSeed, Block.Value), block[..ChecksumAt]);
            return Crc32C.Append(Crc32C.Append(sum, 0u), block[(ChecksumAt + sizeof(uint))..]) == block.Le32(ChecksumAt);
        }
    }
}

/// <summary>An access control list, from what ext4 keeps (fs/ext4/acl.h) to what getxattr(2) gives (include/uapi/linux/posix_acl_xattr.h).</summary>
internal static class PosixAcl
{
    private const int OnDiskVersion = 1, XattrVersion = 2;
    private const ushort User = 0x02, Group = 0x08; // those of one user or group; alone they have an id on the disk
    private const uint NoId = uint.MaxValue;

    public static byte[] ToXattr(ReadOnlySpan<byte> disk, string structure)
    {
        if (disk.Length < 4 || disk.Le32(0) != OnDiskVersion) throw new DiskStructureException(structure, "an access control list of another version");
        byte[] xattr = new byte[4 + disk.Length / 4 * 8];
        BinaryPrimitives.WriteUInt32LittleEndian(xattr, XattrVersion);
        int to = 4;
        for (int at = 4; at < disk.Length; to += 8)
        {
            bool hasId = disk.Length - at >= 4 && disk.Le16(at) is User or Group;
            int size = hasId ? 8 : 4;
            if (disk.Length - at < size) throw new DiskStructureException(structure, "an access control list that is cut off");
            disk.Slice(at, 4).CopyTo(xattr.AsSpan(to));
            BinaryPrimitives.WriteUInt32LittleEndian(xattr.AsSpan(to + 4), hasId ? disk.Le32(at + 4) : NoId);
            at += size;
        }

        return xattr[..to];
    }
}
