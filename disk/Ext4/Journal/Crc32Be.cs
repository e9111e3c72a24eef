namespace Watari.Disk.Ext4.Journal;

/// <summary>The kernel's crc32_be(): the polynomial 0x04c11db7, highest bit first, nothing inverted. The checksum of a journal's first kind.</summary>
internal static class Crc32Be
{
    private const uint Polynomial = 0x04c11db7;

    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(static value =>
    {
        uint sum = (uint)value << 24;
        for (int bit = 0; bit < 8; bit++) sum = (sum & 0x8000_0000) != 0 ? sum << 1 ^ Polynomial : sum << 1;
        return sum;
    })];

    public static uint Append(uint sum, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes) sum = sum << 8 ^ s_table[sum >> 24 ^ value];
        return sum;
    }
}
