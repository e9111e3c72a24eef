namespace Watari.Disk;

/// <summary>
/// Bounds on every walk of a disk. Whoever writes a disk owns every byte of it, so a directory may have no end and a journal may claim
/// to be larger than memory; a walk that reaches its bound ends with a <see cref="DiskLimitException"/>.
/// </summary>
public sealed record DiskLimits
{
    public static DiskLimits Default { get; } = new();

    /// <summary>Partitions of one table.</summary>
    public int Partitions { get; init; } = 256;

    /// <summary>Blocks of one directory: 2^18 are 1 GiB.</summary>
    public int DirectoryBlocks { get; init; } = 1 << 18;

    /// <summary>Names of one directory.</summary>
    public int DirectoryEntries { get; init; } = 1 << 22;

    /// <summary>Directories on the way from the root of a walk of a whole tree.</summary>
    public int TreeDepth { get; init; } = 1 << 10;

    /// <summary>Names that a walk of a whole tree comes by.</summary>
    public long TreeEntries { get; init; } = 1L << 26;

    /// <summary>Runs of blocks that one search for a file's next data looks at.</summary>
    public int Runs { get; init; } = 1 << 20;

    /// <summary>Bytes of one extended attribute's value (XATTR_SIZE_MAX, include/uapi/linux/limits.h).</summary>
    public int AttributeBytes { get; init; } = 1 << 16;

    /// <summary>Bytes of all extended attributes of one inode, names and values.</summary>
    public int AttributesBytes { get; init; } = 1 << 20;

    /// <summary>Blocks of a journal: mke2fs makes it no larger than 1 GiB.</summary>
    public int JournalBlocks { get; init; } = 1 << 20;

    /// <summary>Revoke records in a journal.</summary>
    public int JournalRevokes { get; init; } = 1 << 22;

    /// <summary>Bytes of blocks that are held because they are newer in the journal than on the device.</summary>
    public long JournalBytes { get; init; } = 256L << 20;

    /// <summary>Bytes of blocks with structures that are held, at most, so as not to be read again.</summary>
    public int CachedBytes { get; init; } = 16 << 20;

    /// <summary>How often what tore, because the disk's VM wrote it just then, is read at once, the first time included.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>
    /// How long in all an open file system waits for structures, its superblock apart, that tear again and again: a host under load may take the CPU from its VM
    /// between a structure's change and its new checksum.
    /// </summary>
    public TimeSpan TornPatience { get; init; } = TimeSpan.FromMilliseconds(500);
}
