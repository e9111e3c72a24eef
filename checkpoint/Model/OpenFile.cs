using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>A table of descriptors.</summary>
public sealed record DescriptorTable(DescriptorTableId Id, ImmutableArray<Descriptor> Descriptors);

/// <summary>One descriptor: its number, the open file behind it, and whether exec closes it.</summary>
public readonly record struct Descriptor(int Number, FileId File, bool CloseOnExec);

/// <summary>fcntl F_SETOWN and F_SETSIG.</summary>
public readonly record struct FileOwner(uint Uid, uint EffectiveUid, uint Signal, uint PidType, uint Pid);

/// <summary>An open file description (struct file). Descriptors, also of several processes, share it by its id.</summary>
public abstract record OpenFile
{
    public required FileId Id { get; init; }

    /// <summary>O_… (asm-generic/fcntl.h) without O_CLOEXEC.</summary>
    public uint Flags { get; init; }
    public FileOwner Owner { get; init; }
}

/// <summary>What a path leads to: a regular file, a directory, a device node; also root, cwd, executables and mapped files.</summary>
public sealed record PathFile : OpenFile
{
    /// <summary>As the container's root sees it.</summary>
    public required string Path { get; init; }

    /// <summary>The mount it was opened through; none where the container has the host's mounts.</summary>
    public int? MountId { get; init; }

    /// <summary>st_mode.</summary>
    public required uint Mode { get; init; }
    public ulong Position { get; init; }

    /// <summary>Of a regular file; the file must have it at the restore.</summary>
    public ulong? Size { get; init; }

    /// <summary>The file is deleted: this is what is left of it.</summary>
    public GhostFileId? Ghost { get; init; }
}

/// <summary>A deleted file that stays open.</summary>
public sealed record GhostFile
{
    public required GhostFileId Id { get; init; }
    public uint Uid { get; init; }
    public uint Gid { get; init; }
    public required uint Mode { get; init; }

    /// <summary>Device of its file system, as the kernel keeps it (major &lt;&lt; 20 | minor).</summary>
    public uint Device { get; init; }
    public ulong Inode { get; init; }

    /// <summary>Of a device node, in the same form.</summary>
    public uint? DeviceNumber { get; init; }
    public Nanoseconds AccessTime { get; init; }
    public Nanoseconds ModificationTime { get; init; }
    public required FileContents Contents { get; init; }
}

/// <summary>The contents of a file that travels with the container.</summary>
public abstract record FileContents(ulong Size);

/// <summary>Its pages where they lie in memory; what no run covers is zero.</summary>
public sealed record PagedContents(ulong Size, ImmutableArray<PageRun> Pages) : FileContents(Size);

/// <summary>Its bytes.</summary>
public sealed record InlineContents(ReadOnlyMemory<byte> Bytes) : FileContents((ulong)Bytes.Length);

/// <summary>One end of a pipe.</summary>
public sealed record PipeEnd : OpenFile
{
    public required PipeId Pipe { get; init; }
}

/// <summary>An open named pipe.</summary>
public sealed record Fifo : OpenFile
{
    public required PipeId Pipe { get; init; }

    /// <summary>The file that opens its path again.</summary>
    public required FileId Path { get; init; }
}

/// <summary>The buffer of a pipe: its capacity in bytes and what stands unread in it.</summary>
public sealed record Pipe(PipeId Id, uint Capacity, ReadOnlyMemory<byte> Unread);

/// <summary>eventfd(2).</summary>
public sealed record EventFd : OpenFile
{
    public required ulong Counter { get; init; }
}

/// <summary>epoll(7).</summary>
public sealed record EventPoll : OpenFile
{
    public required ImmutableArray<EventPollTarget> Targets { get; init; }
}

/// <summary>A watched descriptor, and its file, by which it is found where the number is another file's by now.</summary>
public readonly record struct EventPollTarget(int Descriptor, uint Events, ulong Data, uint Device, ulong Inode, ulong Position);

/// <summary>timerfd_create(2).</summary>
public sealed record TimerFd : OpenFile
{
    public required uint ClockId { get; init; }

    /// <summary>Expirations that were not read yet.</summary>
    public required ulong Ticks { get; init; }
    public uint SetTimeFlags { get; init; }
    public required TimerSetting Setting { get; init; }
}

/// <summary>signalfd(2); bit n: signal n+1.</summary>
public sealed record SignalFd : OpenFile
{
    public required ulong Mask { get; init; }
}

/// <summary>inotify(7).</summary>
public sealed record Inotify : OpenFile
{
    public required ImmutableArray<InotifyWatch> Watches { get; init; }
}

/// <summary>One watch, with a file handle (name_to_handle_at(2)) and a path of its inode.</summary>
public sealed record InotifyWatch
{
    public required uint WatchDescriptor { get; init; }
    public required ulong Inode { get; init; }
    public required uint Device { get; init; }

    /// <summary>IN_… (linux/inotify.h).</summary>
    public required uint Mask { get; init; }
    public uint IgnoredMask { get; init; }
    public uint HandleBytes { get; init; }
    public uint HandleType { get; init; }
    public ImmutableArray<ulong> Handle { get; init; } = [];
    public string? Path { get; init; }
    public int? MountId { get; init; }
}

/// <summary>A descriptor of memfd_create(2).</summary>
public sealed record MemfdFile : OpenFile
{
    public required MemfdInodeId Inode { get; init; }
    public ulong Position { get; init; }
}

/// <summary>An open /proc/PID/ns/… file.</summary>
public sealed record NamespaceFile : OpenFile
{
    public required NamespaceKind Kind { get; init; }
    public required uint Namespace { get; init; }
}
