namespace Watari.GuestAgent.Criu;

/// <summary>One field of a protobuf message: its number, and its value by wire type (varint: <see cref="Number"/>; length-delimited: <see cref="Bytes"/>).</summary>
internal readonly ref struct ProtoField(int id, int wireType, ulong number, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> raw)
{
    public int Id => id;

    public int WireType => wireType;

    public ulong Number => number;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>The field as it stands in the message, tag included.</summary>
    public ReadOnlySpan<byte> Raw { get; } = raw;
}

/// <summary>Reads the fields of a protobuf message one by one (protobuf.dev/programming-guides/encoding): enough for CRIU's RPC and statistics.</summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    public const int Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5;

    private readonly ReadOnlySpan<byte> message = message;
    private int at;

    /// <exception cref="InvalidDataException">The message is cut or is none.</exception>
    public bool TryRead(out ProtoField field)
    {
        field = default;
        if (at == message.Length)
            return false;
        int start = at;
        ulong tag = ReadVarint();
        int wireType = (int)(tag & 7);
        if (tag >> 3 is 0 or > int.MaxValue)
            throw new InvalidDataException("A protobuf field has no number.");
        ulong number = 0;
        ReadOnlySpan<byte> bytes = default;
        switch (wireType)
        {
            case Varint:
                number = ReadVarint();
                break;
            case Length:
                bytes = Take(ReadVarint());
                break;
            case Fixed64:
                Take(8);
                break;
            case Fixed32:
                Take(4);
                break;
            default:
                throw new InvalidDataException($"Protobuf wire type {wireType} is not one of criu's.");
        }
        field = new ProtoField((int)(tag >> 3), wireType, number, bytes, message[start..at]);
        return true;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
        throw new InvalidDataException("A protobuf number does not end.");
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(message.Length - at))
            throw new InvalidDataException("A protobuf message is cut.");
        ReadOnlySpan<byte> taken = message.Slice(at, (int)count);
        at += (int)count;
        return taken;
    }
}

/// <summary>Writes the fields of a protobuf message.</summary>
internal sealed class ProtoWriter
{
    private readonly List<byte> bytes = [];

    public byte[] ToArray() => [.. bytes];

    public ProtoWriter Number(int id, long value)
    {
        Varint((uint)id << 3);
        Varint((ulong)value);
        return this;
    }

    public ProtoWriter Bytes(int id, ReadOnlySpan<byte> value)
    {
        Varint(((uint)id << 3) | ProtoReader.Length);
        Varint((ulong)value.Length);
        bytes.AddRange(value);
        return this;
    }

    /// <summary>A field as <see cref="ProtoField.Raw"/> has it.</summary>
    public ProtoWriter Raw(ReadOnlySpan<byte> field)
    {
        bytes.AddRange(field);
        return this;
    }

    private void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }
}
