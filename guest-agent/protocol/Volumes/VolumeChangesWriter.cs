using System.Buffers.Binary;
using System.Text;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Writes changes of volumes, front to back: of each its kind (a byte), its length (four bytes) and so many bytes; numbers have their lowest
/// byte first, and names their length before them.
/// <code>
/// var changes = new VolumeChangesWriter(output);
/// changes.Volume(name, isEmptied: true);
/// changes.File("count"u8, size: 2, isNew: true);
/// changes.Data(0, "7\n"u8);
/// changes.Attributes("count"u8, VolumeChangesWriter.Encode(attributes));
/// changes.End();
/// </code>
/// </summary>
public sealed class VolumeChangesWriter(Stream output)
{
    /// <summary>Bytes of one change, its kind and length not counted.</summary>
    public const int MostBytes = 1 << 20;

    private readonly byte[] head = new byte[HeadBytes + 32];

    internal const int HeadBytes = 1 + sizeof(int);

    /// <summary>Bytes of files' contents so far.</summary>
    public long ContentBytes { get; private set; }

    /// <inheritdoc cref="VolumeChange.Volume"/>
    public void Volume(ContainerId name, bool isEmptied) => Write(VolumeChangeKind.Volume, [(byte)(isEmptied ? 1 : 0)], Encoding.ASCII.GetBytes(name.ToString()));

    /// <inheritdoc cref="VolumeChange.Directory"/>
    public void Directory(ReadOnlySpan<byte> path) => Write(VolumeChangeKind.Directory, Named(path), []);

    /// <inheritdoc cref="VolumeChange.File"/>
    public void File(ReadOnlySpan<byte> path, long size, bool isNew)
    {
        Span<byte> rest = stackalloc byte[sizeof(long) + 1];
        BinaryPrimitives.WriteInt64LittleEndian(rest, size);
        rest[^1] = (byte)(isNew ? 1 : 0);
        Write(VolumeChangeKind.File, Named(path), rest);
    }

    /// <inheritdoc cref="VolumeChange.Data"/>
    public void Data(long offset, ReadOnlySpan<byte> bytes)
    {
        Span<byte> at = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(at, offset);
        Write(VolumeChangeKind.Data, at, bytes);
        ContentBytes += bytes.Length;
    }

    /// <inheritdoc cref="VolumeChange.Zeroes"/>
    public void Zeroes(long offset, long length)
    {
        Span<byte> both = stackalloc byte[2 * sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(both, offset);
        BinaryPrimitives.WriteInt64LittleEndian(both[sizeof(long)..], length);
        Write(VolumeChangeKind.Zeroes, both, []);
    }

    /// <inheritdoc cref="VolumeChange.SymbolicLink"/>
    public void SymbolicLink(ReadOnlySpan<byte> path, ReadOnlySpan<byte> target) => Write(VolumeChangeKind.SymbolicLink, Named(path), Named(target));

    /// <inheritdoc cref="VolumeChange.Special"/>
    public void Special(ReadOnlySpan<byte> path, ushort type, uint major, uint minor)
    {
        Span<byte> rest = stackalloc byte[sizeof(ushort) + (2 * sizeof(uint))];
        BinaryPrimitives.WriteUInt16LittleEndian(rest, type);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[2..], major);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[6..], minor);
        Write(VolumeChangeKind.Special, Named(path), rest);
    }

    /// <inheritdoc cref="VolumeChange.HardLink"/>
    public void HardLink(ReadOnlySpan<byte> path, ReadOnlySpan<byte> to) => Write(VolumeChangeKind.HardLink, Named(path), Named(to));

    /// <inheritdoc cref="VolumeChange.Attributes"/>
    /// <param name="path">Whose.</param>
    /// <param name="encoded">See <see cref="Encode"/>.</param>
    public void Attributes(ReadOnlySpan<byte> path, ReadOnlySpan<byte> encoded) => Write(VolumeChangeKind.Attributes, Named(path), encoded);

    /// <inheritdoc cref="VolumeChange.Remove"/>
    public void Remove(ReadOnlySpan<byte> path) => Write(VolumeChangeKind.Remove, Named(path), []);

    /// <summary>There are no more. What comes behind it is not read.</summary>
    public void End() => Write(VolumeChangeKind.End, [], []);

    /// <summary>The same attributes always become the same bytes.</summary>
    /// <exception cref="FormatException">There is more than a change can hold.</exception>
    public static byte[] Encode(VolumeFileAttributes attributes)
    {
        if (attributes.Extended.Count > ushort.MaxValue)
            throw new FormatException($"A file has {attributes.Extended.Count} extended attributes.");
        using MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes);
        writer.Write(attributes.Permissions);
        writer.Write(attributes.Uid);
        writer.Write(attributes.Gid);
        writer.Write(attributes.Seconds);
        writer.Write(attributes.Nanoseconds);
        writer.Write((ushort)attributes.Extended.Count);
        foreach ((ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value) in attributes.Extended)
        {
            writer.Write(Named(name.Span));
            writer.Write(value.Length);
            writer.Write(value.Span);
            if (bytes.Length > MostBytes - ushort.MaxValue - sizeof(ushort))
                throw new FormatException($"The extended attributes of a file are more than {MostBytes} bytes.");
        }
        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Its length in two bytes, and a name.</summary>
    private static byte[] Named(ReadOnlySpan<byte> name)
    {
        if (name.Length > ushort.MaxValue)
            throw new FormatException($"A name of {name.Length} bytes is longer than any file's.");
        byte[] named = new byte[sizeof(ushort) + name.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(named, (ushort)name.Length);
        name.CopyTo(named.AsSpan(sizeof(ushort)));
        return named;
    }

    private void Write(VolumeChangeKind kind, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        int length = first.Length + second.Length;
        if (length > MostBytes)
            throw new FormatException($"A change of {length} bytes is more than {MostBytes}.");
        head[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(1), length);
        output.Write(head.AsSpan(0, HeadBytes));
        output.Write(first);
        output.Write(second);
    }
}

/// <summary>What a change begins with.</summary>
internal enum VolumeChangeKind : byte
{
    Volume = 1,
    Directory,
    File,
    Data,
    Zeroes,
    SymbolicLink,
    Special,
    HardLink,
    Attributes,
    Remove,
    End,
}
