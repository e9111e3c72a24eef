using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Watari.Transfer;

/// <summary>Tells pages that hold nothing but zeroes, which never travel as bytes.</summary>
public static class ZeroPage
{
    /// <summary>Whether every byte of <paramref name="page"/> is zero. Reads it only up to the first that is not.</summary>
    /// <param name="page">One page, or any multiple of 256 bytes.</param>
    public static bool IsZero(ReadOnlySpan<byte> page) => Vector512.IsHardwareAccelerated ? IsZero512(page) : IsZero256(page);

    private static bool IsZero512(ReadOnlySpan<byte> page)
    {
        ReadOnlySpan<Vector512<byte>> vectors = MemoryMarshal.Cast<byte, Vector512<byte>>(page);
        for (int i = 0; i + 4 <= vectors.Length; i += 4)
        {
            if (((vectors[i] | vectors[i + 1]) | (vectors[i + 2] | vectors[i + 3])) != Vector512<byte>.Zero)
                return false;
        }
        return true;
    }

    private static bool IsZero256(ReadOnlySpan<byte> page)
    {
        ReadOnlySpan<Vector256<byte>> vectors = MemoryMarshal.Cast<byte, Vector256<byte>>(page);
        for (int i = 0; i + 4 <= vectors.Length; i += 4)
        {
            if (((vectors[i] | vectors[i + 1]) | (vectors[i + 2] | vectors[i + 3])) != Vector256<byte>.Zero)
                return false;
        }
        return true;
    }
}
