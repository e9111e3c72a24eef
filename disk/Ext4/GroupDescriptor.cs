namespace Watari.Disk.Ext4;

/// <summary>What is read of struct ext4_group_desc (fs/ext4/ext4.h).</summary>
internal static class GroupDescriptor
{
    private const int ChecksumAt = 0x1e;

    /// <summary>Where the inodes of a group are.</summary>
    public static BlockNumber InodeTable(BlockDevice blocks, SuperBlock superBlock, uint group)
    {
        uint perBlock = (uint)(superBlock.BlockSize / superBlock.DescriptorSize);
        var check = new Check(superBlock, group, (int)(group % perBlock) * superBlock.DescriptorSize);
        ReadOnlySpan<byte> descriptor = blocks.Read(superBlock.DescriptorBlock(group / perBlock), check).Span[check.At..];
        ulong table = descriptor.Le32(0x8);
        if (superBlock.Has(IncompatFeatures.SixtyFourBit)) table |= (ulong)descriptor.Le32(0x28) << 32;
        return new BlockNumber(table);
    }

    private readonly record struct Check(SuperBlock SuperBlock, uint Group, int At) : IBlockCheck
    {
        public string Structure => $"descriptor of group {Group}";

        public bool Fits(ReadOnlySpan<byte> block)
        {
            if (!SuperBlock.HasChecksums) return true;
            ReadOnlySpan<byte> descriptor = block.Slice(At, SuperBlock.DescriptorSize);
            uint sum = Crc32C.Append(Crc32C.Append(SuperBlock.ChecksumSeed, Group), descriptor[..ChecksumAt]);
            sum = Crc32C.Append(Crc32C.Append(sum, (ushort)0), descriptor[(ChecksumAt + sizeof(ushort))..]);
            return (ushort)sum == descriptor.Le16(ChecksumAt);
        }
    }
}
