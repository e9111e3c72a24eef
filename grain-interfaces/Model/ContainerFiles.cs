namespace Watari.GrainInterfaces.Model;

/// <summary>A file of a container, as stat(2) has it.</summary>
/// <param name="Name">Without a path; bytes, which need not be text.</param>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Size">In bytes.</param>
/// <param name="DeviceMajor">Of a device node; else 0.</param>
/// <param name="DeviceMinor">Of a device node; else 0.</param>
/// <param name="Modified">To 100 ns.</param>
/// <param name="Target">Of a symbolic link; else empty.</param>
[GenerateSerializer, Immutable, Alias("watari.FileDescription")]
public sealed record FileDescription(
    [property: Id(0)] ImmutableArray<byte> Name,
    [property: Id(1)] ushort Mode,
    [property: Id(2)] uint Links,
    [property: Id(3)] uint Uid,
    [property: Id(4)] uint Gid,
    [property: Id(5)] long Size,
    [property: Id(6)] uint DeviceMajor,
    [property: Id(7)] uint DeviceMinor,
    [property: Id(8)] DateTimeOffset Modified,
    [property: Id(9)] ImmutableArray<byte> Target);

/// <summary>A piece of a directory of a container, by the bytes of the names.</summary>
/// <param name="Files">Of a path that leads to no directory: that file alone.</param>
/// <param name="IsLast">No names follow.</param>
[GenerateSerializer, Immutable, Alias("watari.DirectoryPiece")]
public sealed record DirectoryPiece([property: Id(0)] ImmutableArray<FileDescription> Files, [property: Id(1)] bool IsLast);

/// <summary>What tells whether a file is still the same, and as it was.</summary>
/// <param name="Device">Which of the file systems that the container sees.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="ModifiedSeconds">Since 1970.</param>
[GenerateSerializer, Immutable, Alias("watari.FileIdentity")]
public sealed record FileIdentity(
    [property: Id(0)] ulong Device,
    [property: Id(1)] ulong Inode,
    [property: Id(2)] long Size,
    [property: Id(3)] long ModifiedSeconds,
    [property: Id(4)] uint ModifiedNanoseconds);

/// <summary>A piece of what is in a file of a container.</summary>
/// <param name="Bytes">At most 1 MiB.</param>
/// <param name="Identity">The file's when this was read.</param>
/// <param name="IsLast">The file ends behind it.</param>
[GenerateSerializer, Immutable, Alias("watari.FilePiece")]
public sealed record FilePiece([property: Id(0)] ImmutableArray<byte> Bytes, [property: Id(1)] FileIdentity Identity, [property: Id(2)] bool IsLast);

/// <summary>A piece of an archive (tar, pax) of files of a container.</summary>
/// <param name="Bytes">About 1 MiB.</param>
/// <param name="Problems">What is not in it as it should be.</param>
[GenerateSerializer, Immutable, Alias("watari.ArchivePiece")]
public sealed record ArchivePiece([property: Id(0)] ImmutableArray<byte> Bytes, [property: Id(1)] ImmutableArray<string> Problems, [property: Id(2)] bool IsLast);

/// <summary>What has become of a file of a container's image.</summary>
[GenerateSerializer, Alias("watari.FileChangeKind")]
public enum FileChangeKind
{
    Changed,
    Added,
    Deleted,
}

/// <param name="Path">From the container's root on, with a slash at its beginning.</param>
[GenerateSerializer, Immutable, Alias("watari.FileChange")]
public sealed record FileChangeDescription([property: Id(0)] FileChangeKind Kind, [property: Id(1)] ImmutableArray<byte> Path);

/// <summary>A piece of what a container has changed, a directory before what is in it.</summary>
[GenerateSerializer, Immutable, Alias("watari.ChangesPiece")]
public sealed record ChangesPiece([property: Id(0)] ImmutableArray<FileChangeDescription> Changes, [property: Id(1)] bool IsLast);

/// <summary>A moment, to the nanosecond.</summary>
/// <param name="Seconds">Since 1970.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
[GenerateSerializer, Immutable, Alias("watari.LogMoment")]
public readonly record struct LogMoment([property: Id(0)] long Seconds, [property: Id(1)] uint Nanoseconds);

/// <summary>Where a container's log is read on: for the host that gave it.</summary>
/// <param name="Inode">Of the file; of a journal the number of the entry before.</param>
/// <param name="Offset">In the file; of a journal the time of that entry.</param>
[GenerateSerializer, Immutable, Alias("watari.LogPlace")]
public sealed record LogPlace([property: Id(0)] ulong Inode, [property: Id(1)] long Offset);

/// <summary>What of a container's log is wanted.</summary>
/// <param name="From">Null: from the beginning, or from the last entries on.</param>
/// <param name="Tail">So many of the last entries; null for all. Only where <paramref name="From"/> is null.</param>
[GenerateSerializer, Immutable, Alias("watari.LogQuestion")]
public sealed record LogQuestion([property: Id(0)] LogPlace? From, [property: Id(1)] int? Tail, [property: Id(2)] LogMoment? Since, [property: Id(3)] LogMoment? Until);

/// <summary>What a container has written: a line, or a piece of one.</summary>
/// <param name="Text">With its line feed, unless the line goes on in the next entry.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerLogEntry")]
public sealed record ContainerLogEntry([property: Id(0)] LogMoment Time, [property: Id(1)] bool IsError, [property: Id(2)] ImmutableArray<byte> Text);

/// <summary>A piece of a container's log.</summary>
/// <param name="IsLast">Nothing comes after it yet.</param>
/// <param name="IsRunning">More may come: the container ran when this was read.</param>
/// <param name="Damaged">Places that were no entries, and were passed over.</param>
/// <param name="IsBehind">Entries before it are missing: their file is gone.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerLogPiece")]
public sealed record ContainerLogPiece(
    [property: Id(0)] ImmutableArray<ContainerLogEntry> Entries,
    [property: Id(1)] LogPlace Next,
    [property: Id(2)] bool IsLast,
    [property: Id(3)] bool IsRunning,
    [property: Id(4)] int Damaged,
    [property: Id(5)] bool IsBehind);
