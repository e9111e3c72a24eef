using System.Buffers.Binary;
using System.Numerics;

namespace Watari.Containers.Logs.Journal;

/// <summary>The hashes by which a journal file finds data.</summary>
internal static class JournalHash
{
    /// <summary>Of files without a key: lookup3 of Bob Jenkins (hashlittle2 from zeros), its first word above its second.</summary>
    internal static ulong Jenkins(ReadOnlySpan<byte> data)
    {
        const int Block = 12;
        uint a = 0xdeadbeef + (uint)data.Length, b = a, c = a;
        if (data.IsEmpty) return ((ulong)c << 32) | b;
        for (; data.Length > Block; data = data[Block..])
        {
            a += BinaryPrimitives.ReadUInt32LittleEndian(data);
            b += BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            c += BinaryPrimitives.ReadUInt32LittleEndian(data[8..]);
            (a, c) = (Mixed(a, c, 4), c + b);
            (b, a) = (Mixed(b, a, 6), a + c);
            (c, b) = (Mixed(c, b, 8), b + a);
            (a, c) = (Mixed(a, c, 16), c + b);
            (b, a) = (Mixed(b, a, 19), a + c);
            (c, b) = (Mixed(c, b, 4), b + a);
        }

        Span<byte> last = stackalloc byte[Block];
        data.CopyTo(last);
        a += BinaryPrimitives.ReadUInt32LittleEndian(last);
        b += BinaryPrimitives.ReadUInt32LittleEndian(last[4..]);
        c += BinaryPrimitives.ReadUInt32LittleEndian(last[8..]);
        c = (c ^ b) - BitOperations.RotateLeft(b, 14);
        a = (a ^ c) - BitOperations.RotateLeft(c, 11);
        b = (b ^ a) - BitOperations.RotateLeft(a, 25);
        c = (c ^ b) - BitOperations.RotateLeft(b, 16);
        a = (a ^ c) - BitOperations.RotateLeft(c, 4);
        b = (b ^ a) - BitOperations.RotateLeft(a, 14);
        c = (c ^ b) - BitOperations.RotateLeft(b, 24);
        return ((ulong)c << 32) | b;

        static uint Mixed(uint one, uint other, int bits) => (one - other) ^ BitOperations.RotateLeft(other, bits);
    }

    /// <summary>Of files with a key: SipHash-2-4.</summary>
    /// <param name="key">16 bytes: the file's id.</param>
    internal static ulong Sip(ReadOnlySpan<byte> data, ReadOnlySpan<byte> key)
    {
        ulong k0 = BinaryPrimitives.ReadUInt64LittleEndian(key), k1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]);
        ulong v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d, v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
        ulong length = (ulong)data.Length << 56;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..]) Take(BinaryPrimitives.ReadUInt64LittleEndian(data));
        Span<byte> last = stackalloc byte[sizeof(ulong)];
        data.CopyTo(last);
        Take(BinaryPrimitives.ReadUInt64LittleEndian(last) | length);
        v2 ^= 0xff;
        for (int round = 0; round < 4; round++) Round();
        return v0 ^ v1 ^ v2 ^ v3;

        void Take(ulong word)
        {
            v3 ^= word;
            Round();
            Round();
            v0 ^= word;
        }

        void Round()
        {
            v0 += v1;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v3;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 += v3;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}
