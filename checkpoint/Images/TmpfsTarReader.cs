using System.Formats.Tar;
using System.IO.Compression;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Reads the packed files of a tmpfs into a tree, within the limits however well they were packed.</summary>
internal static class TmpfsTarReader
{
    private const uint TypeFifo = 0x1000;
    private const uint TypeCharacterDevice = 0x2000;
    private const uint TypeDirectory = 0x4000;
    private const uint TypeBlockDevice = 0x6000;
    private const uint TypeRegular = 0x8000;
    private const uint TypeSymbolicLink = 0xa000;

    private sealed class Node(TmpfsEntry file)
    {
        public TmpfsEntry File { get; } = file;
        public List<Node> Children { get; } = [];

        public TmpfsEntry ToEntry() => File with { Children = [.. Children.Select(child => child.ToEntry())] };
    }

    /// <exception cref="CriuImageException">The archive is damaged, goes beyond the limits, or holds a kind of file that tmpfs has not.</exception>
    public static TmpfsEntry Read(string name, ReadOnlyMemory<byte> image, CriuImageLimits limits)
    {
        var root = new Node(new TmpfsEntry { Name = ".", Mode = TypeDirectory | 0x1ed });
        var directories = new Dictionary<string, Node> { [""] = root };
        try
        {
            using var packed = new MemoryStream(image.ToArray(), writable: false);
            using var gzip = new GZipStream(packed, CompressionMode.Decompress);
            using var tar = new TarReader(gzip);
            long unpacked = 0;
            int count = 0;
            while (tar.GetNextEntry() is { } entry)
            {
                if (++count > limits.TmpfsEntries || (unpacked += entry.Length) > limits.UnpackedBytes)
                    throw new CriuImageException(name, $"more than {limits.TmpfsEntries} files or {limits.UnpackedBytes} bytes");
                if (entry.EntryType == TarEntryType.GlobalExtendedAttributes)
                    continue;
                string path = entry.Name.TrimEnd('/');
                path = path == "." ? "" : path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path;
                Put(Parse(entry, path, name), path);
            }
        }
        catch (Exception e) when (e is InvalidDataException or FormatException or EndOfStreamException or ArgumentException)
        {
            throw new CriuImageException(name, $"the archive is damaged: {e.Message}", e);
        }
        return directories[""].ToEntry();

        void Put(TmpfsEntry file, string path)
        {
            var node = new Node(file);
            if (path.Length == 0)
            {
                directories[""] = node;
                return;
            }
            int slash = path.LastIndexOf('/');
            if (!directories.TryGetValue(slash < 0 ? "" : path[..slash], out Node? parent))
                throw new CriuImageException(name, $"{path} comes before its directory");
            parent.Children.Add(node);
            if ((file.Mode & 0xf000) == TypeDirectory)
                directories[path] = node;
        }
    }

    private static TmpfsEntry Parse(TarEntry entry, string path, string name)
    {
        uint type = entry.EntryType switch
        {
            TarEntryType.Directory => TypeDirectory,
            TarEntryType.RegularFile or TarEntryType.V7RegularFile => TypeRegular,
            TarEntryType.SymbolicLink => TypeSymbolicLink,
            TarEntryType.Fifo => TypeFifo,
            TarEntryType.CharacterDevice => TypeCharacterDevice,
            TarEntryType.BlockDevice => TypeBlockDevice,
            _ => throw new CriuImageException(name, $"{path} is a {entry.EntryType}, which is not carried"),
        };
        var device = entry as PosixTarEntry;
        return new TmpfsEntry
        {
            Name = path[(path.LastIndexOf('/') + 1)..],
            Mode = type | (uint)entry.Mode,
            Uid = (uint)entry.Uid,
            Gid = (uint)entry.Gid,
            ModificationTime = entry.ModificationTime.ToUnixTimeSeconds(),
            LinkTarget = type == TypeSymbolicLink ? entry.LinkName : null,
            DeviceMajor = type is TypeCharacterDevice or TypeBlockDevice ? (uint)(device?.DeviceMajor ?? 0) : 0,
            DeviceMinor = type is TypeCharacterDevice or TypeBlockDevice ? (uint)(device?.DeviceMinor ?? 0) : 0,
            Contents = type == TypeRegular ? new InlineContents(BytesOf(entry)) : null,
        };
    }

    private static byte[] BytesOf(TarEntry entry)
    {
        byte[] bytes = new byte[entry.Length];
        entry.DataStream?.ReadExactly(bytes);
        return bytes;
    }
}
