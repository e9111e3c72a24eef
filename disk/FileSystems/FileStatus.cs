namespace Watari.Disk.FileSystems;

/// <summary>What stat(2) tells of a file; members have its names.</summary>
public readonly record struct FileStatus
{
    /// <summary>The file system that it is of, where several are mounted in one another: by this and <see cref="Ino"/> it is known.</summary>
    public ulong Dev { get; init; }

    /// <summary>The inode's number in its file system.</summary>
    public required ulong Ino { get; init; }

    /// <summary>Type and permissions.</summary>
    public required ushort Mode { get; init; }

    /// <summary>Names that lead to it; of a directory of ext4 with more than 65,000 it is 1.</summary>
    public required uint Nlink { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>Of a device node: which device.</summary>
    public DeviceNumber Rdev { get; init; }

    /// <summary>In bytes; of a symbolic link its target's length.</summary>
    public required long Size { get; init; }

    public FileTime Atime { get; init; }

    public FileTime Mtime { get; init; }

    public FileTime Ctime { get; init; }

    /// <summary>When it was made; null where the file system does not keep it.</summary>
    public FileTime? Btime { get; init; }

    public FileType Type => (FileType)(Mode & 0xf000);

    /// <summary>The lower 12 bits of the mode: set-user-id and the like, and rwx three times.</summary>
    public int Permissions => Mode & 0xfff;

    public bool IsDirectory => Type == FileType.Directory;
}

/// <summary>S_IF* (include/uapi/linux/stat.h).</summary>
public enum FileType
{
    None = 0,
    Fifo = 0x1000,
    CharacterDevice = 0x2000,
    Directory = 0x4000,
    BlockDevice = 0x6000,
    Regular = 0x8000,
    SymbolicLink = 0xa000,
    Socket = 0xc000,
}

/// <summary>A device by its numbers (makedev(3)).</summary>
public readonly record struct DeviceNumber(uint Major, uint Minor);

/// <summary>A moment (struct timespec64).</summary>
/// <param name="Seconds">Since 1970; may be before.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
public readonly record struct FileTime(long Seconds, uint Nanoseconds);
