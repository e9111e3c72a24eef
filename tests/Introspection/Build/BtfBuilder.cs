using System.Text;

namespace Watari.Introspection.Tests.Build;

/// <summary>A member of a structure to be built: at a byte offset, or of so many bits at a bit offset.</summary>
public sealed record BtfField(string Name, int Type, int BitOffset, int BitSize = 0)
{
    public static BtfField At(int offset, string name, int type) => new(name, type, offset * 8);

    public static BtfField Bits(int bitOffset, int bitSize, string name, int type) => new(name, type, bitOffset, bitSize);
}

/// <summary>Writes type information as pahole does (Documentation/bpf/btf.rst).</summary>
public sealed class BtfBuilder
{
    private readonly List<byte> _types = [];
    private readonly List<byte> _strings = [0];
    private int _count;

    public int Int(string name, int size, bool signed = false) =>
        Record(name, 1, 0, false, size, (signed ? 1u << 24 : 0) | (uint)size * 8);

    public int Pointer(int to = 0) => Record("", 2, 0, false, to);

    public int Array(int element, int length) => Record("", 3, 0, false, 0, (uint)element, 0, (uint)length);

    public int Struct(string name, int size, params BtfField[] fields) => Composite(4, name, size, fields);

    public int Union(string name, int size, params BtfField[] fields) => Composite(5, name, size, fields);

    public int Typedef(string name, int type) => Record(name, 8, 0, false, type);

    public int Const(int type) => Record("", 10, 0, false, type);

    public int Enum(string name, params (string Name, int Value)[] values) =>
        Record(name, 6, values.Length, values.Any(value => value.Value < 0), 4,
            [.. values.SelectMany(value => new[] { Text(value.Name), (uint)value.Value })]);

    /// <summary>A record as it is given, right or wrong.</summary>
    public int Record(string name, int kind, int count, bool kindFlag, int sizeOrType, params uint[] rest)
    {
        Words(Text(name), (uint)count | (uint)kind << 24 | (kindFlag ? 1u << 31 : 0), (uint)sizeOrType);
        Words(rest);
        return ++_count;
    }

    public byte[] Build()
    {
        var blob = new List<byte>();
        blob.AddRange(BitConverter.GetBytes((ushort)0xeb9f));
        blob.AddRange([1, 0]);
        foreach (int word in (int[])[24, 0, _types.Count, _types.Count, _strings.Count]) blob.AddRange(BitConverter.GetBytes(word));
        blob.AddRange(_types);
        blob.AddRange(_strings);
        return [.. blob];
    }

    private int Composite(int kind, string name, int size, BtfField[] fields)
    {
        bool bits = fields.Any(field => field.BitSize != 0);
        return Record(name, kind, fields.Length, bits, size,
            [.. fields.SelectMany(field => new[] { Text(field.Name), (uint)field.Type, (uint)field.BitOffset | (bits ? (uint)field.BitSize << 24 : 0) })]);
    }

    private uint Text(string text)
    {
        if (text.Length == 0) return 0;
        uint offset = (uint)_strings.Count;
        _strings.AddRange(Encoding.UTF8.GetBytes(text));
        _strings.Add(0);
        return offset;
    }

    private void Words(params uint[] words)
    {
        foreach (uint word in words) _types.AddRange(BitConverter.GetBytes(word));
    }
}
