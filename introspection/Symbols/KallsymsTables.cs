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

    private KallsymsTables(int count, byte[] names, byte[] tokenText, ushort[] tokenStart, int[] offsets, ulong relativeBase)
    {
        Count = count;
        Names = names;
        _tokenText = tokenText;
        _tokenStart = tokenStart;
        _tokenLength = Array.ConvertAll(tokenStart, start => TokenLength(tokenText, start));
        Offsets = offsets;
        RelativeBase = relativeBase;
    }

    public int Count { get; }

    /// <summary>Each name: its length in one byte (or two, if bit 7 of the first is set), then so many tokens.</summary>
    public byte[] Names { get; }

    public int[] Offsets { get; }

    public ulong RelativeBase { get; }

    /// <summary>Reads the tables at the addresses that VMCOREINFO gives (5fd8fea935a1, v6.0).</summary>
    public static KallsymsTables Read(GuestPhysicalMemory memory, KernelImage image, VmCoreInfo info, IntrospectionLimits limits)
    {
        GuestPhysicalAddress At(string symbol) => image.Translate(info.Symbol(symbol));

        uint count = memory.Read<uint>(At("kallsyms_num_syms"));
        if (count == 0 || count > (uint)limits.Symbols)
            throw new KernelSymbolException("kallsyms_num_syms", $"{count} symbols, and the limit is {limits.Symbols}");

        ushort[] tokenStart = MemoryMarshal.Cast<byte, ushort>(memory.Span(At("kallsyms_token_index"), Tokens * sizeof(ushort))).ToArray();
        // The last token ends at a zero byte; no token is longer than a symbol's name.
        byte[] tokenText = memory.Span(At("kallsyms_token_table"), tokenStart[^1] + LongestName).ToArray();
        int[] offsets = MemoryMarshal.Cast<byte, int>(memory.Span(At("kallsyms_offsets"), (int)count * sizeof(int))).ToArray();
        ulong relativeBase = memory.Read<ulong>(At("kallsyms_relative_base"));
        return new KallsymsTables((int)count, CopyNames(memory, At("kallsyms_names"), (int)count, limits), tokenText, tokenStart, offsets, relativeBase);
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

    /// <summary>The table gives no length of its own: walk it once, in place, to find its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a loop of 150,000 that runs once: it would end before it was compiled for good
    private static byte[] CopyNames(GuestPhysicalMemory memory, GuestPhysicalAddress start, int count, IntrospectionLimits limits)
    {
        GuestMemorySegment segment = default;
        foreach (GuestMemorySegment candidate in memory.Segments)
        {
            if (candidate.Start <= start && start < candidate.End) segment = candidate;
        }

        if (segment.Length == 0) throw new GuestMemoryException(start, count);
        ulong wanted = Math.Min((ulong)count * (2 + LongestName), (ulong)limits.SymbolBytes);
        int most = (int)Math.Min(segment.End - start, wanted);
        ReadOnlySpan<byte> names = memory.Span(start, most);
        int position = 0;
        for (int i = 0; i < count; i++)
        {
            if (!TryReadLength(names, ref position, out int length) || length > LongestName) throw Truncated();
            position += length;
        }

        return position <= names.Length ? names[..position].ToArray() : throw Truncated();
    }

    private static KernelSymbolException Truncated() => new("kallsyms_names", "the table ends in the middle of a name");
}
