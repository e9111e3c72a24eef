namespace Watari.Checkpoint.Model;

/// <summary>An open file description of the container (struct file), or a file that is only named: root, cwd, executable, mapped file.</summary>
public readonly record struct FileId(uint Value) : IComparable<FileId>
{
    public int CompareTo(FileId other) => Value.CompareTo(other.Value);
    public static bool operator <(FileId left, FileId right) => left.Value < right.Value;
    public static bool operator >(FileId left, FileId right) => left.Value > right.Value;
    public static bool operator <=(FileId left, FileId right) => left.Value <= right.Value;
    public static bool operator >=(FileId left, FileId right) => left.Value >= right.Value;
}

/// <summary>A table of descriptors (struct files_struct); tasks made with CLONE_FILES share one.</summary>
public readonly record struct DescriptorTableId(uint Value);

/// <summary>The buffer between the ends of a pipe or of a FIFO (struct pipe_inode_info).</summary>
public readonly record struct PipeId(uint Value);

/// <summary>A segment of shared memory without a path: MAP_SHARED|MAP_ANONYMOUS, or the memory of a memfd.</summary>
public readonly record struct SharedMemoryId(uint Value);

/// <summary>A deleted file that something still holds open.</summary>
public readonly record struct GhostFileId(uint Value);

/// <summary>The inode behind one or more memfds.</summary>
public readonly record struct MemfdInodeId(uint Value);

/// <summary>A combination of cgroups, one a hierarchy (struct css_set).</summary>
public readonly record struct CgroupSetId(uint Value);

/// <summary>Index of a filter in <see cref="Container.SeccompFilters"/>.</summary>
public readonly record struct SeccompFilterId(uint Value);
