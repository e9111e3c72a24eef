using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Watari.Disk.FileSystems;

namespace Watari.Disk.Tests.Corpus;

/// <summary>Each file of a tree in a line, word by word what describe.py says of the same tree as the kernel sees it.</summary>
internal static class TreeText
{
    /// <summary>Words that belong to the tree itself; those behind them belong to the file system that it is in: numbers, sizes of directories, times.</summary>
    private const int OwnWords = 9;

    private const int Page = 4096;
    private const long Whole = 64 << 20;

    /// <summary>Without lost+found.</summary>
    public static string[] Of(IFileSystem files) =>
        [.. files.Root.Tree().Where(file => !file.Path.Span.SequenceEqual("lost+found"u8)).Select(file => Describe(file.Path.Span, file.Inode))];

    /// <summary>Only what a copy of the tree has, too.</summary>
    public static string[] OwnPart(IEnumerable<string> lines) => [.. lines.Select(line => string.Join(' ', line.Split(' ').Take(OwnWords)))];

    private static string Describe(ReadOnlySpan<byte> path, IInode inode)
    {
        FileStatus status = inode.Status;
        bool device = status.Type is FileType.CharacterDevice or FileType.BlockDevice;
        return string.Join(' ',
            Quote(path), Convert.ToString(status.Mode, 8), status.Uid, status.Gid,
            device ? $"{status.Rdev.Major}:{status.Rdev.Minor}" : "-",
            status.IsDirectory ? "-" : status.Size.ToString(CultureInfo.InvariantCulture),
            status.Type == FileType.SymbolicLink ? Quote(inode.ReadLink().Span) : "-",
            status.Type == FileType.Regular ? Contents(inode) : "-",
            Attributes(inode),
            status.Ino, status.Nlink, status.Size, Nanoseconds(status.Atime), Nanoseconds(status.Mtime), Nanoseconds(status.Ctime));
    }

    private static string Contents(IInode file)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 20];
        byte[] number = new byte[sizeof(long)];
        foreach (FileRange range in Ranges(file))
        {
            long end = (range.End + Page - 1) / Page * Page;
            for (long at = range.Offset - range.Offset % Page; at < end;)
            {
                int count = file.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)));
                if (count == 0) break;
                for (int page = 0; page < count; page += Page)
                {
                    Span<byte> bytes = buffer.AsSpan(page, Math.Min(Page, count - page));
                    if (!bytes.ContainsAnyExcept((byte)0)) continue;
                    BinaryPrimitives.WriteInt64LittleEndian(number, at + page);
                    digest.AppendData(number);
                    digest.AppendData(bytes);
                }

                at += count;
            }
        }

        return Hex(digest.GetHashAndReset(), 16);
    }

    private static List<FileRange> Ranges(IInode file)
    {
        List<FileRange> ranges = [];
        if (file.Status.Size is > 0 and <= Whole) return [new FileRange(0, file.Status.Size)];
        for (long at = 0; file.TryFindData(at, out FileRange data); at = data.End) ranges.Add(data);
        return ranges;
    }

    private static string Attributes(IInode inode)
    {
        string[] found = [.. inode.ReadExtendedAttributes().OrderBy(attribute => attribute.Name).Select(attribute => $"{Quote(attribute.Name.Bytes)}={Hex(SHA256.HashData(attribute.Value.Span), 8)}")];
        return found.Length == 0 ? "-" : string.Join(',', found);
    }

    private static string Quote(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return "-";
        var text = new StringBuilder();
        foreach (byte value in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)value) || value is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~' or (byte)'/') text.Append((char)value);
            else text.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
        }

        return text.ToString();
    }

    private static string Hex(byte[] bytes, int count) => Convert.ToHexStringLower(bytes.AsSpan(0, count));

    private static string Nanoseconds(FileTime time) => (time.Seconds * (Int128)1_000_000_000 + time.Nanoseconds).ToString(CultureInfo.InvariantCulture);
}
