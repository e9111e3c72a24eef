using System.Globalization;
using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Archives;

/// <summary>
/// Writes files of a guest as a POSIX.1-2001 archive (tar, pax), with all that a guest has of them: names, targets of links and extended
/// attributes (SCHILY.xattr, as GNU tar and Go's have them) are bytes that need not be text, for which System.Formats.Tar has no room.
/// <code>
/// var archive = new PaxArchive(output);
/// archive.Add("etc/hosts"u8, root.Find("/etc/hosts"u8));
/// archive.End();
/// </code>
/// </summary>
/// <param name="output">See <see cref="Output"/>.</param>
public sealed class PaxArchive(Stream output)
{
    private const int BlockSize = 512, NameLength = 100, PieceLength = 64 << 10, EndBlocks = 2;
    private const int MaxRecords = 1 << 20; // bytes of one file's extended header
    private const int MaxLinkedBytes = 64 << 20, LinkedOverhead = 64; // of names of files that may be linked to
    private const long MaxOctal7 = (1L << 21) - 1, MaxOctal11 = (1L << 33) - 1;

    private readonly Dictionary<(ulong Dev, ulong Ino), byte[]> _linked = [];
    private long _length, _left; // of the contents that were begun
    private long _linkedBytes;

    /// <summary>Gets the archive; it may be another from one piece to the next.</summary>
    public Stream Output { get; set; } = output;

    /// <summary>Writes a file and what is in it.</summary>
    /// <param name="path">What it is called in the archive.</param>
    /// <returns>False of a socket, which no archive holds.</returns>
    /// <exception cref="DiskException">It cannot be read. The archive is not whole then.</exception>
    public bool Add(ReadOnlySpan<byte> path, IInode inode)
    {
        if (!Begin(path, inode, out _)) return false;
        for (long offset = 0; _left > 0;) offset += AddContent(inode, offset, int.MaxValue);
        return true;
    }

    /// <summary>Writes what is told of a file; of a regular file its contents must follow.</summary>
    /// <param name="length">Of the contents, in bytes.</param>
    /// <returns>False of a socket.</returns>
    internal bool Begin(ReadOnlySpan<byte> path, IInode inode, out long length)
    {
        if (_left > 0) throw new InvalidOperationException("The file before has not been written whole.");
        FileStatus status = inode.Status;
        length = 0;
        if (TypeOf(status.Type) is not { } type) return false;
        byte[] target = [];
        if (status.Type == FileType.SymbolicLink) target = inode.ReadLink().ToArray();
        else if (HasOtherNames(status) && _linked.TryGetValue((status.Dev, status.Ino), out byte[]? first)) (type, target) = ((byte)'1', first);
        length = type == '0' ? status.Size : 0;
        if (length < 0) throw new DiskStructureException($"inode {status.Ino}", $"a file of {length} bytes");
        // A slash at its end tells a directory from a file to whoever knows no types.
        byte[] name = type == '5' ? [.. path, (byte)'/'] : path.ToArray();
        WriteRecords(name, target, status, length, type == '1' ? [] : AttributesOf(inode));
        WriteHeader(type, name, target, status, length);
        _length = _left = length;
        if (type != '1') Remember(status, path);
        return true;
    }

    /// <summary>Writes a piece of the contents that were begun. Where the file has become shorter since, zeroes.</summary>
    /// <returns>How many bytes; 0 at the end.</returns>
    internal long AddContent(IInode inode, long offset, int most)
    {
        byte[] piece = new byte[(int)Math.Min(Math.Min(_left, most), PieceLength)];
        inode.ReadUpTo(offset, piece);
        return AddContent(piece);
    }

    /// <summary>The same with given bytes.</summary>
    internal long AddContent(ReadOnlySpan<byte> piece)
    {
        Output.Write(piece);
        _left -= piece.Length;
        if (_left == 0) Pad(_length);
        return piece.Length;
    }

    /// <summary>Writes the archive's end.</summary>
    public void End() => Output.Write(new byte[BlockSize * EndBlocks]);

    private static byte? TypeOf(FileType type) => type switch
    {
        FileType.Regular => (byte)'0',
        FileType.SymbolicLink => (byte)'2',
        FileType.CharacterDevice => (byte)'3',
        FileType.BlockDevice => (byte)'4',
        FileType.Directory => (byte)'5',
        FileType.Fifo => (byte)'6',
        _ => null,
    };

    private static bool HasOtherNames(FileStatus status) => !status.IsDirectory && status.Nlink > 1;

    /// <summary>Keeps the name of a file that was written, for its other names. A guest can have more of them than there is room for: beyond that they are files of their own.</summary>
    private void Remember(FileStatus status, ReadOnlySpan<byte> path)
    {
        if (!HasOtherNames(status) || _linkedBytes > MaxLinkedBytes || !_linked.TryAdd((status.Dev, status.Ino), path.ToArray())) return;
        _linkedBytes += path.Length + LinkedOverhead;
    }

    /// <summary>None of a file system whose attributes are not read.</summary>
    private static IReadOnlyList<ExtendedAttribute> AttributesOf(IInode inode)
    {
        try
        {
            return inode.ReadExtendedAttributes();
        }
        catch (DiskUnsupportedException)
        {
            return [];
        }
    }

    /// <summary>What does not fit into a ustar header.</summary>
    private void WriteRecords(ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, FileStatus status, long length, IReadOnlyList<ExtendedAttribute> attributes)
    {
        using var records = new MemoryStream();
        if (name.Length > NameLength || !Ascii.IsValid(name)) AddRecord(records, "path"u8, name);
        if (target.Length > NameLength || !Ascii.IsValid(target)) AddRecord(records, "linkpath"u8, target);
        if (length > MaxOctal11) AddRecord(records, "size"u8, Text($"{length}"));
        if (status.Uid > MaxOctal7) AddRecord(records, "uid"u8, Text($"{status.Uid}"));
        if (status.Gid > MaxOctal7) AddRecord(records, "gid"u8, Text($"{status.Gid}"));
        if (status.Mtime.Nanoseconds != 0 || status.Mtime.Seconds is < 0 or > MaxOctal11) AddRecord(records, "mtime"u8, TimeText(status.Mtime));
        foreach (ExtendedAttribute attribute in attributes.OrderBy(attribute => attribute.Name)) AddRecord(records, [.. "SCHILY.xattr."u8, .. attribute.Name.Bytes], attribute.Value.Span);
        if (records.Length == 0) return;
        if (records.Length > MaxRecords) throw new DiskLimitException($"inode {status.Ino}", "extended attributes", MaxRecords);
        WriteHeader((byte)'x', "PaxHeaders/file"u8, [], new FileStatus { Ino = 0, Mode = 0x1a4, Nlink = 1, Uid = 0, Gid = 0, Size = records.Length }, records.Length);
        Output.Write(records.GetBuffer().AsSpan(0, (int)records.Length));
        Pad(records.Length);
    }

    /// <summary>LENGTH KEY=VALUE and a line feed, where the length counts its own digits.</summary>
    private static void AddRecord(MemoryStream records, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        int rest = key.Length + value.Length + 3, length = rest;
        while (length != rest + Digits(length)) length = rest + Digits(length);
        records.Write(Text($"{length} "));
        records.Write(key);
        records.WriteByte((byte)'=');
        records.Write(value);
        records.WriteByte((byte)'\n');
    }

    private static int Digits(int number) => number.ToString(CultureInfo.InvariantCulture).Length;

    private void WriteHeader(byte type, ReadOnlySpan<byte> name, ReadOnlySpan<byte> target, FileStatus status, long length)
    {
        Span<byte> header = stackalloc byte[BlockSize];
        header.Clear();
        name[..Math.Min(name.Length, NameLength)].CopyTo(header);
        Octal(header.Slice(100, 8), status.Permissions);
        Octal(header.Slice(108, 8), status.Uid);
        Octal(header.Slice(116, 8), status.Gid);
        Octal(header.Slice(124, 12), length);
        Octal(header.Slice(136, 12), Math.Max(0, status.Mtime.Seconds));
        header[156] = type;
        target[..Math.Min(target.Length, NameLength)].CopyTo(header[157..]);
        "ustar\000"u8.CopyTo(header[257..]);
        Octal(header.Slice(329, 8), status.Rdev.Major);
        Octal(header.Slice(337, 8), status.Rdev.Minor);
        header.Slice(148, 8).Fill((byte)' ');
        int sum = 0;
        foreach (byte value in header) sum += value;
        Octal(header.Slice(148, 7), sum);
        header[154] = 0;
        Output.Write(header);
    }

    /// <summary>As many digits as there is room for and a zero; what is larger stands in the records.</summary>
    private static void Octal(Span<byte> field, long value)
    {
        for (int i = field.Length - 2; i >= 0; i--, value >>= 3) field[i] = (byte)('0' + (value & 7));
    }

    private static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);

    private static byte[] TimeText(FileTime time)
    {
        // A moment before 1970 is -1.25 where the kernel has -2 s and 750,000,000 ns.
        (long seconds, uint nanoseconds) = time.Seconds < 0 && time.Nanoseconds > 0 ? (time.Seconds + 1, 1_000_000_000 - time.Nanoseconds) : (time.Seconds, time.Nanoseconds);
        return Text(string.Create(CultureInfo.InvariantCulture, $"{(time.Seconds < 0 && seconds == 0 ? "-" : "")}{seconds}.{nanoseconds:000000000}"));
    }

    private void Pad(long length)
    {
        int over = (int)(length % BlockSize);
        if (over != 0) Output.Write(new byte[BlockSize - over]);
    }
}
