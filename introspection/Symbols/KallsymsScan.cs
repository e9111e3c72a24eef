using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Symbols;

/// <summary>
/// Finds kallsyms where VMCOREINFO does not tell (before v6.0), by its form. The tables follow one another, each aligned to 8 (write_src
/// in scripts/kallsyms.c of v4.20 to v6.3):
/// offsets, relative_base, num_syms, names, markers (where each 256th name begins), token_table, token_index.
/// The last has the form that nothing else has, 256 rising places of strings just before it; from there it goes backward.
/// </summary>
internal ref struct KallsymsScan
{
    private const int Alignment = 8;
    private const int Tokens = 256;
    private const int NamesPerMarker = 256;
    private const int LongestToken = KallsymsTables.LongestName;
    private const int LongestEntry = 2 + KallsymsTables.LongestName; // with its length
    private const int UsualImage = 32 << 20; // its text and its read-only data

    private readonly GuestPhysicalAddress _start;
    private readonly ReadOnlySpan<byte> _image;
    private readonly int _mostSymbols;
    private long _left;

    private KallsymsScan(GuestPhysicalAddress start, ReadOnlySpan<byte> image, IntrospectionLimits limits)
    {
        _start = start;
        _image = image;
        _mostSymbols = limits.Symbols;
        _left = limits.LookSteps;
    }

    /// <param name="memory">The guest's RAM.</param>
    /// <param name="start">Where the kernel's text begins; its read-only data is above.</param>
    /// <param name="limits">How far to look.</param>
    /// <exception cref="KernelSymbolException">The kernel has none, or too much that looks like them.</exception>
    public static KallsymsPlaces Find(GuestPhysicalMemory memory, GuestPhysicalAddress start, IntrospectionLimits limits)
    {
        start = new GuestPhysicalAddress(start.Value & ~(ulong)(Alignment - 1));
        int most = (int)Math.Min((ulong)limits.ImageBytes, memory.BytesFrom(start));
        var reader = new BulkReader(memory);
        for (int length = Math.Min(UsualImage, most); length > 0; length = length < most ? most : 0)
        {
            if (new KallsymsScan(start, reader.Copy(start, length), limits).TryFind(out KallsymsPlaces places)) return places;
        }

        throw new KernelSymbolException("kallsyms_token_index",
            $"VMCOREINFO does not give it, and no symbol table is in the {most >> 20} MiB from {start} on: the kernel must be built with CONFIG_KALLSYMS, as distributions' kernels are");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a loop of millions that runs once
    private bool TryFind(out KallsymsPlaces places)
    {
        for (int index = 0; index <= _image.Length - Tokens * sizeof(ushort); index += Alignment)
        {
            // Its first four places: 0, then rising by a token and its end each.
            ulong first = MemoryMarshal.Read<ulong>(_image[index..]);
            ushort one = (ushort)(first >> 16), two = (ushort)(first >> 32), three = (ushort)(first >> 48);
            if ((ushort)first != 0 || one == 0 || one >= two || two >= three || three > 3 * LongestToken) continue;
            if (TryFindBefore(index, out places)) return true;
        }

        places = default;
        return false;
    }

    private bool TryFindBefore(int tokenIndex, out KallsymsPlaces places)
    {
        places = default;
        if (!TryFindTokenTable(tokenIndex, out int tokenTable)) return false;
        if (!TryFindMarkers(tokenTable, out int markers, out int markerCount)) return false;
        if (!TryFindNames(markers, markerCount, out int names, out int symbols)) return false;
        int relativeBase = names - 2 * Alignment;
        int offsets = relativeBase - Aligned(symbols * sizeof(int));
        if (offsets < 0) return false;
        places = new KallsymsPlaces(At(names - Alignment), At(names), At(tokenTable), At(tokenIndex), At(offsets), At(relativeBase));
        return true;
    }

    /// <summary>256 strings that begin where the index says, the last of which ends just before it.</summary>
    private bool TryFindTokenTable(int tokenIndex, out int table)
    {
        // A copy: the guest must not change them between the check and the use.
        Span<ushort> starts = stackalloc ushort[Tokens];
        MemoryMarshal.Cast<byte, ushort>(_image.Slice(tokenIndex, Tokens * sizeof(ushort))).CopyTo(starts);
        table = 0;
        for (int i = 1; i < Tokens; i++)
        {
            if (starts[i] <= starts[i - 1] || starts[i] - starts[i - 1] > LongestToken) return false;
        }

        for (int lastLength = 1; lastLength <= LongestToken; lastLength++)
        {
            int length = starts[Tokens - 1] + lastLength;
            table = tokenIndex - Aligned(length);
            if (table < 0) return false;
            if (AreStrings(_image.Slice(table, length), starts)) return true;
        }

        return false;
    }

    private bool AreStrings(scoped ReadOnlySpan<byte> table, scoped ReadOnlySpan<ushort> starts)
    {
        for (int i = 0; i < Tokens; i++)
        {
            TakeStep();
            int end = i + 1 < Tokens ? starts[i + 1] : table.Length;
            if (table[starts[i]..end].IndexOf((byte)0) != end - starts[i] - 1) return false;
        }

        return true;
    }

    /// <summary>Rising numbers of four bytes (80ffbaa5b1bd, v4.20) that begin with 0 and end at the token table; perhaps one word of padding.</summary>
    private bool TryFindMarkers(int tokenTable, out int markers, out int count)
    {
        count = 0;
        markers = tokenTable - sizeof(uint);
        if (markers >= 0 && Word(markers) == 0) markers -= sizeof(uint);
        for (uint above = uint.MaxValue; markers >= 0; markers -= sizeof(uint))
        {
            TakeStep();
            uint marker = Word(markers);
            if (marker >= above || ++count > _mostSymbols / NamesPerMarker + 1) return false;
            if (marker == 0) return true;
            above = marker;
        }

        return false;
    }

    /// <summary>The names end at the markers; before them stands how many they are. The markers tell which beginning is the right one.</summary>
    private bool TryFindNames(int markers, int markerCount, out int names, out int symbols)
    {
        uint last = Word(markers + (markerCount - 1) * sizeof(uint));
        long lowest = Math.Max(markers - last - (long)NamesPerMarker * LongestEntry, 2 * Alignment);
        for (long start = (markers - last) & ~(Alignment - 1L); start >= lowest; start -= Alignment)
        {
            TakeStep();
            names = (int)start;
            uint count = Word(names - Alignment);
            if (Word(names - sizeof(uint)) != 0 || (count + NamesPerMarker - 1) / NamesPerMarker != (uint)markerCount) continue;
            symbols = (int)count;
            if (AreNames(names, symbols, markers)) return true;
        }

        names = symbols = 0;
        return false;
    }

    private bool AreNames(int names, int count, int markers)
    {
        int position = names;
        for (int i = 0; i < count; i++)
        {
            TakeStep();
            if (position >= markers) return false;
            if (i % NamesPerMarker == 0 && Word(markers + i / NamesPerMarker * sizeof(uint)) != (uint)(position - names)) return false;
            int length = _image[position++];
            if ((length & 0x80) != 0 && position < markers) length = (length & 0x7f) | (_image[position++] << 7);
            position += length;
        }

        return position <= markers && markers - position < Alignment;
    }

    /// <summary>A guest can fill its memory with what is all but a table: each beginning of one is then read to its end.</summary>
    private void TakeStep()
    {
        if (--_left < 0) throw new KernelSymbolException("kallsyms_token_index", "VMCOREINFO does not give it, and too much in memory looks like it");
    }

    private readonly GuestPhysicalAddress At(int position) => _start + (ulong)position;

    private readonly uint Word(int position) => BinaryPrimitives.ReadUInt32LittleEndian(_image[position..]);

    private static int Aligned(int length) => (length + Alignment - 1) & ~(Alignment - 1);
}
