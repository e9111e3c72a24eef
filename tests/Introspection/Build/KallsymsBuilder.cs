using System.Text;

namespace Watari.Introspection.Tests.Build;

/// <summary>Writes the kernel's compressed symbol tables as scripts/kallsyms does.</summary>
public sealed class KallsymsBuilder
{
    /// <summary>The lowest address of the image, from which offsets are counted.</summary>
    public const ulong RelativeBase = 0xffff_ffff_8000_0000;

    /// <summary>A token of more than one letter; all others stand for their own character.</summary>
    private const byte LongToken = 0x80;
    private const string LongTokenText = "Tsys_";

    private readonly List<(string Name, ulong Address)> _symbols = [];

    /// <summary>Whether per-cpu symbols are plain numbers and others negative (before v6.15), or all unsigned.</summary>
    public bool AbsolutePerCpu { get; init; } = true;

    /// <summary>Where the offsets stand, if they count from their own places (v7.2).</summary>
    public ulong? FromOwnPlaces { get; init; }

    public int Count => _symbols.Count;

    public KallsymsBuilder Add(string name, ulong address)
    {
        _symbols.Add((name, address));
        return this;
    }

    public byte[] Names => Lay().Names;

    /// <summary>Where each 256th name begins.</summary>
    public IReadOnlyList<uint> Markers => Lay().Markers;

    private (byte[] Names, List<uint> Markers) Lay()
    {
        var names = new List<byte>();
        var markers = new List<uint>();
        for (int i = 0; i < _symbols.Count; i++)
        {
            if (i % 256 == 0) markers.Add((uint)names.Count);
            string name = _symbols[i].Name;
            byte[] text = Encoding.UTF8.GetBytes(name);
            byte[] tokens = name.StartsWith("sys_", StringComparison.Ordinal) ? [LongToken, .. text[4..]] : [(byte)'T', .. text];
            if (tokens.Length < 0x80)
            {
                names.Add((byte)tokens.Length);
            }
            else
            {
                names.Add((byte)(tokens.Length & 0x7f | 0x80));
                names.Add((byte)(tokens.Length >> 7));
            }

            names.AddRange(tokens);
        }

        return ([.. names], markers);
    }

    public static byte[] TokenTable => [.. Enumerable.Range(0, 256).SelectMany(token => (byte[])[.. TokenText(token), 0])];

    public static byte[] TokenIndex
    {
        get
        {
            var index = new List<byte>();
            ushort position = 0;
            for (int token = 0; token < 256; token++)
            {
                index.AddRange(BitConverter.GetBytes(position));
                position += (ushort)(TokenText(token).Length + 1);
            }

            return [.. index];
        }
    }

    public byte[] Offsets => [.. _symbols.SelectMany((symbol, i) => BitConverter.GetBytes(Offset(symbol.Address, i)))];

    private int Offset(ulong address, int symbol)
    {
        if (FromOwnPlaces is { } places) return unchecked((int)(long)(address - places - (ulong)symbol * sizeof(int)));
        if (!AbsolutePerCpu) return unchecked((int)(uint)(address - RelativeBase));
        return address <= int.MaxValue ? (int)address : unchecked((int)(long)(RelativeBase - 1 - address));
    }

    private static byte[] TokenText(int token) => token switch
    {
        LongToken => Encoding.ASCII.GetBytes(LongTokenText),
        0 => [],
        _ => [(byte)token],
    };
}
