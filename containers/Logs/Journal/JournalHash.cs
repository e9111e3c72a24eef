using System.Buffers.Binary;
using System.Numerics;

namespace Watari.Containers.Logs.Journal;

/// <summary>The hashes by which a journal's data are found (systemd, docs/JOURNAL_FILE_FORMAT.md, "Hash tables").</summary>
internal static class JournalHash
{
    /// <summary>SipHash-2-4 (Aumasson, Bernstein, 2012), as systemd has it since v246: keyed by the file's id, so that nobody can choose data that all hash alike.</summary>
    /// <param name="key">16 bytes.</param>
    internal static ulong Keyed(ReadOnlySpan<byte> data, ReadOnlySpan<byte> key)
    {
        ulong k0 = BinaryPrimitives.ReadUInt64LittleEndian(key), k1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]);
        ulong v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d, v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
        int whole = data.Length & ~7;
        for (int i = 0; i < whole; i += 8) Take(BinaryPrimitives.ReadUInt64LittleEndian(data[i..]));
        ulong last = (ulong)data.Length << 56;
        for (int i = whole; i < data.Length; i++) last |= (ulong)data[i] << (8 * (i - whole));
        Take(last);
        v2 ^= 0xff;
        for (int i = 0; i < 4; i++) Round();
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
            v2 += v3;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 = BitOperations.RotateLeft(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }

    /// <summary>hashlittle2 of Jenkins's lookup3 (2006), its first result in the upper half: what older journals have.</summary>
    internal static ulong Jenkins(ReadOnlySpan<byte> data)
    {
        uint a = 0xdeadbeef + (uint)data.Length, b = a, c = a;
        if (data.IsEmpty) return ((ulong)c << 32) | b;
        while (data.Length > 12)
        {
            a += BinaryPrimitives.ReadUInt32LittleEndian(data);
            b += BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            c += BinaryPrimitives.ReadUInt32LittleEndian(data[8..]);
            Turn(ref a, ref c, c, 4, ref b);
            Turn(ref b, ref a, a, 6, ref c);
            Turn(ref c, ref b, b, 8, ref a);
            Turn(ref a, ref c, c, 16, ref b);
            Turn(ref b, ref a, a, 19, ref c);
            Turn(ref c, ref b, b, 4, ref a);
            data = data[12..];
        }

        Span<byte> rest = stackalloc byte[12];
        rest.Clear();
        data.CopyTo(rest);
        a += BinaryPrimitives.ReadUInt32LittleEndian(rest);
        b += BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        c += BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]);
        c = (c ^ b) - BitOperations.RotateLeft(b, 14);
        a = (a ^ c) - BitOperations.RotateLeft(c, 11);
        b = (b ^ a) - BitOperations.RotateLeft(a, 25);
        c = (c ^ b) - BitOperations.RotateLeft(b, 16);
        a = (a ^ c) - BitOperations.RotateLeft(c, 4);
        b = (b ^ a) - BitOperations.RotateLeft(a, 14);
        c = (c ^ b) - BitOperations.RotateLeft(b, 24);
        return ((ulong)c << 32) | b;

        // One line of lookup3's mix(): x -= z; x ^= rot(z, k); z += y.
        static void Turn(ref uint x, ref uint z, uint before, int turn, ref uint y)
        {
            x -= before;
            x ^= BitOperations.RotateLeft(before, turn);
            z = before + y;
        }
    }
}
