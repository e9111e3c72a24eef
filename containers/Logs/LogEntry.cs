using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs;

/// <summary>What a container has written, as its engine has written it down: a line, or a piece of a long one.</summary>
/// <param name="Time">When the engine took it.</param>
/// <param name="IsError">By the standard error, not the standard output.</param>
/// <param name="Text">As it was written; with its line feed, unless the line goes on in the next entry.</param>
public readonly record struct LogEntry(FileTime Time, bool IsError, ReadOnlyMemory<byte> Text)
{
    public bool EndsLine => Text.Length > 0 && Text.Span[^1] == '\n';
}

/// <summary>Where a log is read on.</summary>
/// <param name="Ino">The inode of the file; 0 before the first. In a journal: the number of the entry before.</param>
/// <param name="Offset">In bytes. In a journal: when that entry was taken, in microseconds since 1970.</param>
public readonly record struct LogPosition(ulong Ino, long Offset);
