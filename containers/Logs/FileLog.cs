using System.Buffers.Binary;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs;

/// <summary>A log in files of its own, in which entry stands behind entry.</summary>
internal sealed class FileLog : ContainerLog
{
    private const int MostScannedBytes = 8 << 20, WindowBytes = 128 << 10, MostTailBytes = 256 << 20;

    private readonly LogFormat _format;
    private readonly LogFiles _files;
    private bool _isTailShort;

    private FileLog(LogFormat format, LogFiles files)
    {
        _format = format;
        _files = files;
    }

    /// <param name="path">Of its newest file; null where it has none.</param>
    /// <exception cref="DiskException">It cannot be read.</exception>
    internal static FileLog Find(LogFormat format, IFileSystem guest, string? path) => new(format, LogFiles.Find(guest, path ?? ""));

    public override LogPosition Tail(int count)
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

    public override LogPiece Read(LogPosition from, FileTime? since = null, FileTime? until = null)
    {
        var piece = new LogPieceBuilder(since, until);
        var reader = new Reader(_format, piece);
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
            if (index > first && file.IsCut && _files.IsSpent) return piece.Build(new LogPosition(file.Ino, 0), isLast: false, isBehind);
            bool isWhole = reader.ReadFile(file, ref offset);
            from = new LogPosition(file.Ino, offset);
            if (!isWhole) return piece.Build(from, isLast: false, isBehind);
            if (index == _files.Count - 1) break;
            // What is left there will never be whole.
            if (offset < file.Length || file.IsCut) piece.Damaged++;
            file.Leave();
        }

        return piece.Build(from, isLast: true, isBehind);
    }

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
    private sealed class Reader(LogFormat format, LogPieceBuilder piece)
    {
        private long _scannedBytes;

        private bool IsFull => piece.IsFull || _scannedBytes >= MostScannedBytes;

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
                piece.Damaged++;
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
                if (parse == LogParse.Damaged) piece.Damaged++;
                else piece.Add(entry);
            }

            return used;
        }
    }
}
