using System.Numerics;
using System.Runtime.InteropServices;

namespace Watari.Disk.Ext4;

/// <summary>The kernel's crc32c(): continues a checksum, and inverts nothing at the end.</summary>
internal static class Crc32C
{
    public const uint Seed = uint.MaxValue;

    public static uint Append(uint sum, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words) sum = BitOperations.Crc32C(sum, word);
        foreach (byte value in bytes[(words.Length * sizeof(ulong))..]) sum = BitOperations.Crc32C(sum, value);
        return sum;
    }

    public static uint Append(uint sum, ushort value) => BitOperations.Crc32C(sum, value);

    public static uint Append(uint sum, uint value) => BitOperations.Crc32C(sum, value);

    public static uint Append(uint sum, ulong value) => BitOperations.Crc32C(sum, value);
}
