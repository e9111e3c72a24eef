using System.IO.Compression;
using System.Text;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs;

/// <summary>The files of one log, the oldest first: an engine begins a new one when one is long enough, and gives the older ones the names PATH.1, PATH.2 …, perhaps compressed.</summary>
internal sealed class LogFiles
{
    /// <summary>Bytes of one entry: Docker cuts lines at 16 KiB, and writes a byte as six characters at most.</summary>
    internal const int MaxEntry = 1 << 20;

    private const int MaxFiles = 100, MaxUnpacked = 64 << 20;

    private readonly List<LogFile> _files = [];

    private LogFiles()
    {
    }

    internal int Count => _files.Count;

    internal LogFile this[int index] => _files[index];

    /// <exception cref="DiskException">One cannot be read.</exception>
    internal static LogFiles Find(IFileSystem guest, string path)
    {
        var found = new LogFiles();
        for (int number = 0; number < MaxFiles; number++)
        {
            string name = number == 0 ? path : $"{path}.{number}";
            if (TryOpen(guest, name, out IInode? file)) found._files.Insert(0, new LogFile(file!, file!.Status.Ino, unpacked: null));
            else if (number > 0 && TryOpen(guest, $"{name}.gz", out file)) found._files.Insert(0, new LogFile(file!, file!.Status.Ino, new Lazy<byte[]>(() => Unpack(file!))));
            else if (number > 0) break;
        }

        return found;
    }

    /// <summary>-1 where it is not there any more.</summary>
    internal int IndexOf(ulong ino) => _files.FindIndex(file => file.Ino == ino);

    private static bool TryOpen(IFileSystem guest, string path, out IInode? file) =>
        guest.Root.TryFind(Encoding.UTF8.GetBytes(path), out file) && file.Status.Type == FileType.Regular;

    /// <summary>What can be unpacked of it, up to a bound.</summary>
    private static byte[] Unpack(IInode file)
    {
        using var unpacked = new MemoryStream();
        using var packed = new GZipStream(new MemoryStream(file.ReadAll(MaxUnpacked)), CompressionMode.Decompress);
        byte[] piece = new byte[64 << 10];
        try
        {
            while (unpacked.Length < MaxUnpacked && packed.Read(piece) is > 0 and int count) unpacked.Write(piece, 0, count);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            // Cut off, or damaged: what came before is there.
        }

        return unpacked.ToArray();
    }
}

/// <summary>A file of a log.</summary>
internal sealed class LogFile(IInode file, ulong ino, Lazy<byte[]>? unpacked)
{
    internal ulong Ino => ino;

    /// <summary>In bytes; of a compressed one, of what it holds.</summary>
    internal long Length => unpacked is null ? file.Status.Size : unpacked.Value.Length;

    internal int Read(long offset, Span<byte> destination)
    {
        if (unpacked is not null)
        {
            ReadOnlySpan<byte> rest = unpacked.Value.AsSpan((int)Math.Min(offset, unpacked.Value.Length));
            rest = rest[..Math.Min(rest.Length, destination.Length)];
            rest.CopyTo(destination);
            return rest.Length;
        }

        int count = 0;
        while (count < destination.Length && file.Read(offset + count, destination[count..]) is > 0 and int more) count += more;
        return count;
    }
}
