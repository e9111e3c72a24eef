using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Text;

namespace Watari.Introspection.Types;

public sealed partial class BtfTypes
{
    private readonly ConcurrentDictionary<string, long?> _enumerators = new();

    /// <summary>The value of an enumerator of any enum, anonymous ones too: enumerators share one name space in C.</summary>
    /// <remarks>The look through all enums is made once for each name.</remarks>
    public bool TryGetEnumerator(string name, out long value)
    {
        long? found = _enumerators.GetOrAdd(name, static (name, types) => types.FindEnumerator(name), this);
        value = found ?? 0;
        return found is not null;
    }

    /// <summary>The value of an enumerator of one enum.</summary>
    public bool TryGetEnumerator(BtfTypeId type, string name, out long value) =>
        TryGetEnumerator(Strip(type.Value), Encoding.UTF8.GetBytes(name), out value);

    /// <summary>The value of an enumerator that must be there.</summary>
    public long Enumerator(string name) => TryGetEnumerator(name, out long value)
        ? value
        : throw new KernelTypeException($"This kernel's BTF has no enumerator {name}.");

    private long? FindEnumerator(string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        for (int id = 1; id < _records.Length; id++)
        {
            if (TryGetEnumerator(id, text, out long value)) return value;
        }

        return null;
    }

    private bool TryGetEnumerator(int id, ReadOnlySpan<byte> name, out long value)
    {
        value = 0;
        BtfKind kind = Kind(id);
        if (kind is not (BtfKind.Enum or BtfKind.Enum64)) return false;
        int length = kind == BtfKind.Enum ? 8 : 12;
        int count = VariableLength(id);
        for (int i = 0; i < count; i++)
        {
            int record = _records[id] + RecordHeader + i * length;
            if (!StringAt(Word(record)).SequenceEqual(name)) continue;
            value = kind == BtfKind.Enum64
                ? BinaryPrimitives.ReadInt64LittleEndian(_blob.AsSpan(record + 4))
                : KindFlag(id) ? (int)Word(record + 4) : Word(record + 4);
            return true;
        }

        return false;
    }
}
