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

    private const int MaxFiles = 100;

    private readonly List<LogFile> _files = [];
    private readonly UnpackBudget _budget = new();

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
            if (TryOpen(guest, name, out IInode? file)) found._files.Insert(0, new LogFile(file!, packed: null));
            else if (number > 0 && TryOpen(guest, $"{name}.gz", out file)) found._files.Insert(0, new LogFile(file!, new PackedLog(file!, found._budget)));
            else if (number > 0) break;
        }

        return found;
    }

    /// <summary>A walk through the files begins, in whichever direction: what an earlier one has unpacked does not count for it.</summary>
    internal void BeginWalk() => _budget.Left = UnpackBudget.OfOneWalk;

    /// <summary>Nothing more is unpacked in this walk.</summary>
    internal bool IsSpent => _budget.Left <= 0;

    /// <summary>-1 where it is not there any more.</summary>
    internal int IndexOf(ulong ino) => _files.FindIndex(file => file.Ino == ino);

    private static bool TryOpen(IFileSystem guest, string path, out IInode? file) =>
        guest.Root.TryFind(Encoding.UTF8.GetBytes(path), out file) && file.Status.Type == FileType.Regular;
}

/// <summary>A file of a log.</summary>
/// <param name="packed">Its contents, where it is compressed.</param>
internal sealed class LogFile(IInode file, PackedLog? packed)
{
    internal ulong Ino { get; } = file.Status.Ino;

    /// <summary>In bytes; of a compressed one, of what it holds.</summary>
    internal long Length => packed?.Bytes.Length ?? file.Status.Size;

    /// <summary>There is more in it than is unpacked.</summary>
    internal bool IsCut => packed is { IsCut: true };

    internal int Read(long offset, Span<byte> destination)
    {
        if (packed is not null)
        {
            ReadOnlySpan<byte> rest = packed.Bytes.Span[(int)Math.Min(offset, packed.Bytes.Length)..];
            rest = rest[..Math.Min(rest.Length, destination.Length)];
            rest.CopyTo(destination);
            return rest.Length;
        }

        return file.ReadUpTo(offset, destination);
    }

    /// <summary>The walk goes on in another file: what was unpacked of this one is let go.</summary>
    internal void Leave() => packed?.Leave();
}

/// <summary>What a compressed file of a log holds, unpacked as long as it is read. A guest can make each of many files very large.</summary>
internal sealed class PackedLog(IInode file, UnpackBudget budget)
{
    private const int MaxBytes = 64 << 20; // packed or unpacked

    private ReadOnlyMemory<byte>? _bytes;

    /// <summary>As far as it can be unpacked.</summary>
    internal ReadOnlyMemory<byte> Bytes => _bytes ??= Unpack();

    internal bool IsCut { get; private set; }

    internal void Leave() => _bytes = null;

    private ReadOnlyMemory<byte> Unpack()
    {
        long size = file.Status.Size;
        byte[] packed = new byte[(int)Math.Clamp(Math.Min(size, budget.Left), 0, MaxBytes)];
        int held = file.ReadUpTo(0, packed);
        budget.Left -= held;
        using var unpacked = new MemoryStream();
        long most = Math.Min(MaxBytes, budget.Left);
        bool isWhole = held == size;
        using var stream = new GZipStream(new MemoryStream(packed, 0, held), CompressionMode.Decompress);
        byte[] piece = new byte[64 << 10];
        try
        {
            for (int count; (count = stream.Read(piece)) > 0; unpacked.Write(piece, 0, count))
            {
                if (unpacked.Length + count <= most) continue;
                isWhole = false;
                break;
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            isWhole = false; // what came before is there
        }

        budget.Left -= unpacked.Length;
        IsCut = !isWhole;
        return unpacked.GetBuffer().AsMemory(0, (int)unpacked.Length);
    }
}

/// <summary>Bytes that may be unpacked, or read to be unpacked.</summary>
internal sealed class UnpackBudget
{
    internal const long OfOneWalk = 256 << 20;

    internal long Left { get; set; } = OfOneWalk;
}
