using System.Buffers.Binary;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Logs;

/// <summary>A piece of a container's log.</summary>
/// <param name="Next">Where the next piece begins.</param>
/// <param name="IsLast">Nothing comes after it yet.</param>
/// <param name="Damaged">How many places were no entries, or more than is unpacked of a compressed file, and were passed over.</param>
/// <param name="IsBehind">What was to be read next is gone with its file, or lies farther back than is looked: entries are missing before this piece.</param>
public sealed record LogPiece(IReadOnlyList<LogEntry> Entries, LogPosition Next, bool IsLast, int Damaged, bool IsBehind);

/// <summary>
/// What a container has written to its standard output and error, from the files in which its engine keeps it: with all that the engine has
/// written and not yet put on the disk.
/// <code>
/// ContainerLog log = ContainerLog.Open(container, files);
/// for (LogPiece piece = log.Read(log.Tail(100)); ; piece = log.Read(piece.Next)) ...
/// </code>
/// </summary>
public sealed class ContainerLog
{
    private const int MostEntries = 4096, MostTextBytes = 512 << 10, MostScannedBytes = 8 << 20, WindowBytes = 128 << 10, MostTailBytes = 256 << 20;

    private readonly LogFormat _format;
    private readonly LogFiles _files;
    private bool _isTailShort;

    private ContainerLog(LogFormat format, LogFiles files)
    {
        _format = format;
        _files = files;
    }

    /// <param name="guest">The guest's files, as they are now; the log is read as of then.</param>
    /// <exception cref="ContainerStoreException">Its engine keeps no log that is read here.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    public static ContainerLog Open(FoundContainer container, IFileSystem guest)
    {
        ArgumentNullException.ThrowIfNull(container);
        ArgumentNullException.ThrowIfNull(guest);
        if (container.Record is not { } record) throw new ContainerStoreException($"where the log of {container.Id} is is not known: no record of it can be read");
        (LogFormat format, string? path) = (record.Runtime, record.LogDriver) switch
        {
            (ContainerRuntime.Docker, "json-file") => (LogFormat.JsonFile, record.LogPath),
            (ContainerRuntime.Docker, "local") => (LogFormat.Local, $"/var/lib/docker/containers/{record.Id}/local-logs/container.log"),
            // Podman takes the one for the other.
            (ContainerRuntime.Podman, "k8s-file" or "json-file") => (LogFormat.K8sFile, record.LogPath),
            (_, "journald") => throw new ContainerStoreException(
                $"{Shown(record)} logs to the guest's journal (log driver journald), which is not read from outside: read it there with 'journalctl CONTAINER_ID_FULL={record.Id}', or make the container with --log-driver {(record.Runtime == ContainerRuntime.Podman ? "k8s-file" : "json-file")}"),
            (_, "none") => throw new ContainerStoreException($"{Shown(record)} keeps no log (log driver none)"),
            (_, null) => throw new ContainerStoreException($"{record.Runtime.ToString().ToLowerInvariant()} keeps no log of {Shown(record)}: what it writes goes to whoever started it"),
            (_, var driver) => throw new ContainerStoreException($"{Shown(record)} logs by the driver {ShownText.Of(driver)}, of which nothing is kept in the guest's files"),
        };
        return Open(format, guest, path);
    }

    internal static ContainerLog Open(LogFormat format, IFileSystem guest, string? path) => new(format, LogFiles.Find(guest, path ?? ""));

    /// <summary>Where so many entries follow; the beginning where there are no more. Of a log in which so many lie too far back, fewer follow.</summary>
    public LogPosition Tail(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _files.BeginWalk();
        long left = MostTailBytes;
        LogPosition nearest = default;
        for (int index = _files.Count - 1; index >= 0; index--)
        {
            LogFile file = _files[index];
            bool isFound = _format.IsLines ? TryTailOfLines(file, ref count, ref left, out long offset) : TryTailOfRecords(file, ref count, ref left, out offset);
            // Nothing of it may be unpacked any more.
            bool isUnread = file.IsCut && file.Length == 0 && _files.IsSpent;
            file.Leave();
            if (!isUnread) nearest = new LogPosition(file.Ino, offset);
            if (isFound) return nearest;
            if (left > 0 && !isUnread) continue;
            _isTailShort = true;
            return nearest;
        }

        return default;
    }

    /// <param name="from">Where; default is the oldest entry there is.</param>
    /// <param name="since">Only entries from then on.</param>
    /// <param name="until">Only entries up to then.</param>
    /// <exception cref="DiskException">The log cannot be read.</exception>
    public LogPiece Read(LogPosition from, FileTime? since = null, FileTime? until = null)
    {
        var reader = new Reader(_format, since, until);
        _files.BeginWalk();
        int index = from.Ino == 0 ? 0 : _files.IndexOf(from.Ino);
        bool isBehind = _isTailShort || (index < 0 && _files.Count > 0);
        if (index < 0) (index, from) = (0, default);
        int first = index;
        for (; index < _files.Count; index++, from = default)
        {
            LogFile file = _files[index];
            // One that was cut off is begun anew.
            long offset = from.Offset > file.Length ? 0 : from.Offset;
            // More of it is unpacked in a piece that begins with it.
            if (index > first && file.IsCut && _files.IsSpent) return reader.Piece(new LogPosition(file.Ino, 0), isLast: false, isBehind);
            bool isWhole = reader.ReadFile(file, ref offset);
            from = new LogPosition(file.Ino, offset);
            if (!isWhole) return reader.Piece(from, isLast: false, isBehind);
            if (index == _files.Count - 1) break;
            // What is left there will never be whole.
            if (offset < file.Length || file.IsCut) reader.Damaged++;
            file.Leave();
        }

        return reader.Piece(from, isLast: true, isBehind);
    }

    private static string Shown(ContainerRecord record) => ShownText.Of(record.Names is [var name, ..] ? name : record.Id.ToString());

    /// <summary>Counts lines that end an entry from the end on, and the last, which may be a piece; what follows the last line feed is none yet.</summary>
    /// <param name="left">How many bytes may be looked at, in all files together.</param>
    /// <param name="offset">Where they begin; where there are too few, or they lie too far back, the first that was seen.</param>
    private bool TryTailOfLines(LogFile file, ref int count, ref long left, out long offset)
    {
        byte[] window = new byte[WindowBytes];
        int seen = 0;
        long? lineEnd = null, lastEnd = null; // of the line whose beginning is looked for, and of the last
        for (long end = file.Length; end > 0;)
        {
            int length = (int)Math.Min(end, window.Length);
            Span<byte> bytes = window.AsSpan(0, file.Read(end - length, window.AsSpan(0, length)));
            for (int feed = bytes.LastIndexOf((byte)'\n'); feed >= 0; feed = bytes[..feed].LastIndexOf((byte)'\n'))
            {
                offset = lineEnd ?? 0;
                long start = end - length + feed + 1;
                if (lineEnd is not null && (lineEnd == lastEnd || EndsEntry(file, start, bytes[(feed + 1)..])) && seen++ == count) return true;
                lineEnd = start;
                lastEnd ??= start;
            }

            end -= length;
            left -= length;
            if (left > 0) continue;
            offset = lineEnd ?? end;
            return false;
        }

        offset = lineEnd ?? 0;
        if (lineEnd is not null && (lineEnd == lastEnd || EndsEntry(file, 0, [])) && seen++ == count) return true;
        offset = 0;
        count -= seen;
        return count == 0;
    }

    /// <param name="known">What is known of the line already, and of what follows it.</param>
    private bool EndsEntry(LogFile file, long line, ReadOnlySpan<byte> known)
    {
        if (!_format.HasPieces) return true;
        if (known.Length >= LogFormat.HeadBytes) return _format.Ends(known[..LogFormat.HeadBytes]);
        Span<byte> head = stackalloc byte[LogFormat.HeadBytes];
        return _format.Ends(head[..file.Read(line, head)]);
    }

    /// <summary>By the lengths behind the records.</summary>
    private static bool TryTailOfRecords(LogFile file, ref int count, ref long left, out long offset)
    {
        const int LengthSize = 4;
        byte[] window = new byte[WindowBytes];
        offset = file.Length;
        long begin = offset; // of the window
        while (count > 0 && left > 0 && offset >= 2 * LengthSize)
        {
            if (offset - LengthSize < begin)
            {
                begin = Math.Max(0, offset - window.Length);
                Span<byte> bytes = window.AsSpan(0, (int)(offset - begin));
                if (file.Read(begin, bytes) < bytes.Length) break;
                left -= bytes.Length;
            }

            long start = offset - BinaryPrimitives.ReadUInt32BigEndian(window.AsSpan((int)(offset - LengthSize - begin))) - 2 * LengthSize;
            if (start < 0) break;
            offset = start;
            count--;
        }

        return count == 0;
    }

    /// <summary>Takes entries until there is enough for a piece.</summary>
    private sealed class Reader(LogFormat format, FileTime? since, FileTime? until)
    {
        private readonly List<LogEntry> _entries = [];
        private int _textBytes;
        private long _scannedBytes;

        internal int Damaged { get; set; }

        private bool IsFull => _entries.Count >= MostEntries || _textBytes >= MostTextBytes || _scannedBytes >= MostScannedBytes;

        internal LogPiece Piece(LogPosition next, bool isLast, bool isBehind) => new(_entries, next, isLast, Damaged, isBehind);

        /// <summary>False: the piece is full before the file's end.</summary>
        internal bool ReadFile(LogFile file, ref long offset)
        {
            byte[] window = new byte[WindowBytes];
            while (!IsFull)
            {
                int count = file.Read(offset, window), used = Take(window.AsSpan(0, count), isEnd: count < window.Length);
                offset += used;
                _scannedBytes += used;
                if (used > 0) continue;
                if (count < window.Length) return true;
                if (window.Length < LogFiles.MaxEntry)
                {
                    window = new byte[LogFiles.MaxEntry];
                    continue;
                }

                // A line without an end.
                Damaged++;
                offset += count;
                _scannedBytes += count;
            }

            return false;
        }

        /// <summary>How many bytes were entries, or were none and are passed over.</summary>
        /// <param name="isEnd">Nothing comes after them yet.</param>
        private int Take(ReadOnlySpan<byte> bytes, bool isEnd)
        {
            int used = 0;
            while (!IsFull)
            {
                LogParse parse = format.Parse(bytes[used..], isEnd, out int length, out LogEntry entry);
                if (parse == LogParse.Incomplete) break;
                used += length;
                if (parse == LogParse.Damaged) Damaged++;
                else Add(entry);
            }

            return used;
        }

        private void Add(LogEntry entry)
        {
            if ((since is { } first && IsBefore(entry.Time, first)) || (until is { } last && IsBefore(last, entry.Time))) return;
            _entries.Add(entry);
            _textBytes += entry.Text.Length;
        }

        private static bool IsBefore(FileTime one, FileTime other) => (one.Seconds, one.Nanoseconds).CompareTo((other.Seconds, other.Nanoseconds)) < 0;
    }
}
