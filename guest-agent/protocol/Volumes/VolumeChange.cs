namespace Watari.GuestAgent.Protocol;

/// <summary>
/// One step on the way from what a guest has of a volume to what another guest has. Paths lead from the volume's root on, without a slash at
/// the beginning; the root itself is empty. Names are bytes that need not be text.
/// </summary>
public abstract record VolumeChange
{
    private VolumeChange()
    {
    }

    /// <summary>What follows is of this volume.</summary>
    /// <param name="Name">Which.</param>
    /// <param name="IsEmptied">What is in it goes first.</param>
    public sealed record Volume(ContainerId Name, bool IsEmptied) : VolumeChange;

    /// <summary>There is a directory; one that is there keeps what is in it, anything else goes.</summary>
    public sealed record Directory(ReadOnlyMemory<byte> Path) : VolumeChange;

    /// <summary>There is a regular file, to which the <see cref="Data"/> and <see cref="Zeroes"/> that follow belong.</summary>
    /// <param name="Path">Its name.</param>
    /// <param name="Size">Bytes that it has from now on: it is cut off, or goes on with zeroes.</param>
    /// <param name="IsNew">Whatever has the name goes, and the file begins as zeroes. Else the one that is there stays.</param>
    public sealed record File(ReadOnlyMemory<byte> Path, long Size, bool IsNew) : VolumeChange;

    /// <summary>Bytes of the file. They are the reader's, until the next change is read.</summary>
    public sealed record Data(long Offset, ReadOnlyMemory<byte> Bytes) : VolumeChange;

    /// <summary>Zeroes of the file, which need no room.</summary>
    public sealed record Zeroes(long Offset, long Length) : VolumeChange;

    /// <summary>Whatever has the name goes.</summary>
    public sealed record SymbolicLink(ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> Target) : VolumeChange;

    /// <summary>A fifo or a device. Whatever has the name goes.</summary>
    /// <param name="Path">Its name.</param>
    /// <param name="Type">S_IFIFO, S_IFCHR or S_IFBLK.</param>
    public sealed record Special(ReadOnlyMemory<byte> Path, ushort Type, uint Major, uint Minor) : VolumeChange;

    /// <summary>One more name of a file that is there. Whatever has the name goes.</summary>
    public sealed record HardLink(ReadOnlyMemory<byte> Path, ReadOnlyMemory<byte> To) : VolumeChange;

    /// <summary>What else there is to a file. It comes when no more of the file does, and of a directory when no more of what is in it does.</summary>
    public sealed record Attributes(ReadOnlyMemory<byte> Path, VolumeFileAttributes Values) : VolumeChange;

    /// <summary>The name is free, and all under it. It may be so already.</summary>
    public sealed record Remove(ReadOnlyMemory<byte> Path) : VolumeChange;
}

/// <summary>Owner, permissions, time and extended attributes of a file.</summary>
public sealed record VolumeFileAttributes
{
    /// <summary>The lower 12 bits of the mode.</summary>
    public required ushort Permissions { get; init; }

    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>When it was last changed: seconds since 1970, which may be before.</summary>
    public required long Seconds { get; init; }

    public required uint Nanoseconds { get; init; }

    /// <summary>All that it has, by the names that listxattr(2) gives root.</summary>
    public IReadOnlyList<(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value)> Extended { get; init; } = [];
}
