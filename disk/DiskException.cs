namespace Watari.Disk;

/// <summary>A disk could not be read as what it should be. Everything that is thrown because of a disk's bytes is one of these.</summary>
public class DiskException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The disk's bytes are not to be had: a file that ended, a connection that broke, a deadline.</summary>
public sealed class DiskImageException(string message, Exception? inner = null) : DiskException(message, inner);

/// <summary>A look at the disk took longer than it may. Whatever was passed over so far, the look itself has ended.</summary>
public sealed class DiskDeadlineException(TimeSpan limit) : DiskException($"given up after {limit.TotalSeconds:0.#} s");

/// <summary>A structure on the disk is not what it should be: the disk is damaged, made by an attacker, or was changed while it was read.</summary>
/// <param name="structure">Which, and where it is: <c>inode 12, extents at depth 2</c>.</param>
/// <param name="problem">What is wrong with it.</param>
public class DiskStructureException(string structure, string problem) : DiskException($"{structure}: {problem}")
{
    public string Structure { get; } = structure;
}

/// <summary>A structure's checksum does not fit, however often it was read.</summary>
public sealed class DiskChecksumException(string structure) : DiskStructureException(structure, "its checksum does not fit");

/// <summary>The disk holds what this reader does not know how to read, or cannot read: an unknown feature, an encrypted file.</summary>
public sealed class DiskUnsupportedException(string what, string feature) : DiskException($"{what}: {feature}")
{
    /// <summary>By the kernel's name for it.</summary>
    public string Feature { get; } = feature;
}

/// <summary>Something is larger than a limit allows, one of <see cref="DiskLimits"/> or of the caller's.</summary>
public sealed class DiskLimitException(string structure, string limit, long value) : DiskException($"{structure}: over the limit {limit} of {value}")
{
    /// <summary>The member of <see cref="DiskLimits"/>, or the parameter.</summary>
    public string Limit { get; } = limit;
}
