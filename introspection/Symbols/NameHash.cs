using System.Runtime.CompilerServices;

namespace Watari.Introspection.Symbols;

/// <summary>FNV-1a over the bytes of a name; a name may be fed in pieces.</summary>
internal static class NameHash
{
    public const uint Start = 2166136261;

    public static uint Of(ReadOnlySpan<byte> name) => Add(Start, name);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Add(uint hash, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes) hash = unchecked((hash ^ value) * 16777619);
        return hash;
    }
}
