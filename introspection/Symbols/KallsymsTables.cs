using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Symbols;

/// <summary>
/// A copy of the kernel's own compressed symbol tables (scripts/kallsyms.c, kernel/kallsyms.c). A copy, because a running
/// guest must not change them between a check and a use.
/// </summary>
internal sealed class KallsymsTables
{
    private const int Tokens = 256;

    /// <summary>KSYM_NAME_LEN: characters of a name, and so its tokens and theirs.</summary>
    public const int LongestName = 512;

    private readonly byte[] _tokenText;
    private readonly ushort[] _tokenStart;
    private readonly ushort[] _tokenLength;

    private KallsymsTables(int count, byte[] names, byte[] tokenText, ushort[] tokenStart, int[] offsets)
    {
        Count = count;
        Names = names;
        _tokenText = tokenText;
        _tokenStart = tokenStart;
        _tokenLength = Array.ConvertAll(tokenStart, start => TokenLength(tokenText, start));
        Offsets = offsets;
    }

    public int Count { get; }

    /// <summary>Each name: its length in one byte (or two, if bit 7 of the first is set), then so many tokens.</summary>
    public byte[] Names { get; }

    /// <summary>Of each symbol, from the relative base; by rising address, as the kernel sorts them.</summary>
    public int[] Offsets { get; }

    /// <summary>Copies the tables.</summary>
    /// <exception cref="KernelSymbolException">They are damaged.</exception>
    public static KallsymsTables Read(GuestPhysicalMemory memory, in KallsymsPlaces places, IntrospectionLimits limits)
    {
        uint count = memory.Read<uint>(places.SymbolCount);
        if (count == 0 || count > (uint)limits.Symbols)
            throw new KernelSymbolException("kallsyms_num_syms", $"{count} symbols, and the limit is {limits.Symbols}");

        ushort[] tokenStart = MemoryMarshal.Cast<byte, ushort>(memory.Span(places.TokenIndex, Tokens * sizeof(ushort))).ToArray();
        // The last token ends at a zero byte; no token is longer than a symbol's name.
        byte[] tokenText = memory.Span(places.TokenTable, tokenStart[^1] + LongestName).ToArray();
        int[] offsets = new int[count];
        memory.Copy(places.Offsets, MemoryMarshal.AsBytes(offsets.AsSpan()));
        return new KallsymsTables((int)count, CopyNames(memory, places.Names, (int)count, limits), tokenText, tokenStart, offsets);
    }

    /// <summary>Whether a guest's memory holds the same tables, byte by byte.</summary>
    public bool Equal(GuestPhysicalMemory memory, in KallsymsPlaces places)
    {
        var reader = new BulkReader(memory);
        return memory.TryRead(places.SymbolCount, out uint count) && count == (uint)Count
            && reader.Equal(places.Names, Names)
            && reader.Equal(places.TokenIndex, MemoryMarshal.AsBytes(_tokenStart.AsSpan()))
            && reader.Equal(places.TokenTable, _tokenText.AsSpan(0, _tokenStart[^1] + _tokenLength[^1] + 1))
            && reader.Equal(places.Offsets, MemoryMarshal.AsBytes(Offsets.AsSpan()));
    }

    /// <summary>The text of a token, without the zero byte after it.</summary>
    public ReadOnlySpan<byte> Token(byte token) => _tokenText.AsSpan(_tokenStart[token], _tokenLength[token]);

    /// <summary>The tokens of the name that begins at <paramref name="position"/>, and where the next name begins.</summary>
    public ReadOnlySpan<byte> NameTokens(int position, out int next)
    {
        if (!TryReadLength(Names, ref position, out int length) || length > LongestName || position + length > Names.Length) throw Truncated();
        next = position + length;
        return Names.AsSpan(position, length);
    }

    private static ushort TokenLength(ReadOnlySpan<byte> text, int start)
    {
        if (start >= text.Length) throw Truncated();
        int length = text.Slice(start, Math.Min(LongestName, text.Length - start)).IndexOf((byte)0);
        return length < 0 ? throw new KernelSymbolException("kallsyms_token_table", $"a token does not end within {LongestName} characters") : (ushort)length;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> names, ref int position, out int length)
    {
        length = 0;
        if (position >= names.Length) return false;
        length = names[position++];
        if ((length & 0x80) == 0) return true;
        if (position >= names.Length) return false;
        // A long name's length takes two bytes (73bbb94466fd, v6.1).
        length = (length & 0x7f) | (names[position++] << 7);
        return true;
    }

    /// <summary>The table gives no length of its own: walk it once to find its end, in as much of it as that takes.</summary>
    private static byte[] CopyNames(GuestPhysicalMemory memory, GuestPhysicalAddress start, int count, IntrospectionLimits limits)
    {
        // No name has more tokens than characters; most have about ten.
        int most = (int)Math.Min(memory.BytesFrom(start), Math.Min((ulong)count * (2 + LongestName), (ulong)limits.SymbolBytes));
        var reader = new BulkReader(memory);
        for (int size = (int)Math.Min(most, count * 16L); ; size = (int)Math.Min(most, size * 2L))
        {
            ReadOnlySpan<byte> names = reader.Copy(start, size);
            if (TryMeasure(names, count, out int length)) return names[..length].ToArray();
            if (size == most) throw Truncated();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a loop of 150,000 that runs once: it would end before it was compiled for good
    private static bool TryMeasure(ReadOnlySpan<byte> names, int count, out int end)
    {
        end = 0;
        for (int i = 0; i < count; i++)
        {
            if (!TryReadLength(names, ref end, out int length) || length > LongestName) return false;
            end += length;
        }

        return end <= names.Length;
    }

    private static KernelSymbolException Truncated() => new("kallsyms_names", "the table ends in the middle of a name");
}
