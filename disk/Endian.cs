using System.Buffers.Binary;

namespace Watari.Disk;

/// <summary>Words on disks, by the kernel's names for them: le16 is __le16, be32 is __be32. Offsets are in bytes.</summary>
internal static class Endian
{
    extension(ReadOnlySpan<byte> bytes)
    {
        public ushort Le16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

        public uint Le32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

        public ulong Le64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

        public ushort Be16(int at) => BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);

        public uint Be32(int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

        public ulong Be64(int at) => BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]);
    }
}
