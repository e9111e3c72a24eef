using System.Buffers.Binary;
using System.Text;

namespace Watari.GuestAgent.Protocol;

/// <summary>Reads what a <see cref="VolumeChangesWriter"/> has written. Whoever wrote it is not trusted: a change has its bound, and its parts fill it.</summary>
public sealed class VolumeChangesReader(Stream input)
{
    private byte[] body = new byte[1 << 16];

    /// <returns>The next change; null: there are no more.</returns>
    /// <exception cref="FormatException">It is none, or the list ends in the middle.</exception>
    public VolumeChange? Read()
    {
        Span<byte> head = stackalloc byte[VolumeChangesWriter.HeadBytes];
        Fill(head);
        int length = BinaryPrimitives.ReadInt32LittleEndian(head[1..]);
        if (length is < 0 or > VolumeChangesWriter.MostBytes)
            throw new FormatException($"A change of {length} bytes is none.");
        if (length > body.Length)
            body = new byte[VolumeChangesWriter.MostBytes];
        Fill(body.AsSpan(0, length));
        Parts parts = new(body.AsMemory(0, length));
        VolumeChange? change = (VolumeChangeKind)head[0] switch
        {
            VolumeChangeKind.Volume => new VolumeChange.Volume(IsEmptied: parts.Byte() != 0, Name: ContainerId.Parse(Encoding.ASCII.GetString(parts.Rest().Span))),
            VolumeChangeKind.Directory => new VolumeChange.Directory(parts.Name()),
            VolumeChangeKind.File => new VolumeChange.File(parts.Name(), parts.Place(), parts.Byte() != 0),
            VolumeChangeKind.Data => new VolumeChange.Data(parts.Place(), parts.Rest()),
            VolumeChangeKind.Zeroes => new VolumeChange.Zeroes(parts.Place(), parts.Place()),
            VolumeChangeKind.SymbolicLink => new VolumeChange.SymbolicLink(parts.Name(), parts.Name()),
            VolumeChangeKind.Special => new VolumeChange.Special(parts.Name(), parts.Short(), parts.Word(), parts.Word()),
            VolumeChangeKind.HardLink => new VolumeChange.HardLink(parts.Name(), parts.Name()),
            VolumeChangeKind.Attributes => new VolumeChange.Attributes(parts.Name(), Attributes(ref parts)),
            VolumeChangeKind.Remove => new VolumeChange.Remove(parts.Name()),
            VolumeChangeKind.End => null,
            _ => throw new FormatException($"There is no change of kind {head[0]}."),
        };
        if (!parts.IsAtEnd)
            throw new FormatException("A change is longer than what it says.");
        return change;
    }

    private static VolumeFileAttributes Attributes(ref Parts parts)
    {
        VolumeFileAttributes attributes = new()
        {
            Permissions = parts.Short(),
            Uid = parts.Word(),
            Gid = parts.Word(),
            Seconds = (long)parts.Long(),
            Nanoseconds = parts.Word(),
        };
        int count = parts.Short();
        List<(ReadOnlyMemory<byte>, ReadOnlyMemory<byte>)> extended = [];
        for (int i = 0; i < count; i++)
            extended.Add((parts.Name(), parts.Take((int)Math.Min(parts.Word(), int.MaxValue))));
        return attributes with { Extended = extended };
    }

    private void Fill(Span<byte> bytes)
    {
        if (input.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new FormatException("The list of changes ends in the middle.");
    }

    /// <summary>The parts of a change, one after another.</summary>
    private struct Parts(ReadOnlyMemory<byte> rest)
    {
        public readonly bool IsAtEnd => rest.IsEmpty;

        public byte Byte() => Take(1).Span[0];

        public ushort Short() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)).Span);

        public uint Word() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)).Span);

        public ulong Long() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)).Span);

        /// <summary>An offset, or a length.</summary>
        public long Place() => (long)Long() is >= 0 and long place ? place : throw new FormatException("A place in a file is negative.");

        public ReadOnlyMemory<byte> Name() => Take(Short());

        public ReadOnlyMemory<byte> Rest() => Take(rest.Length);

        public ReadOnlyMemory<byte> Take(int length)
        {
            if (length > rest.Length)
                throw new FormatException("A change is shorter than what it says.");
            ReadOnlyMemory<byte> taken = rest[..length];
            rest = rest[length..];
            return taken;
        }
    }
}
