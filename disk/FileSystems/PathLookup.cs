using System.Diagnostics.CodeAnalysis;

namespace Watari.Disk.FileSystems;

/// <summary>Why a path leads to no file.</summary>
public enum PathProblem
{
    /// <summary>ENOENT.</summary>
    NotFound,

    /// <summary>ENOTDIR.</summary>
    NotADirectory,

    /// <summary>ELOOP.</summary>
    TooManyLinks,

    /// <summary>ENAMETOOLONG.</summary>
    TooLong,
}

/// <summary>A path leads to no file.</summary>
public sealed class PathException(string path, PathProblem problem) : DiskException($"{path}: {Words(problem)}")
{
    /// <summary>Escaped, as <see cref="FileName.ToString"/> has it.</summary>
    public string Path { get; } = path;

    public PathProblem Problem { get; } = problem;

    private static string Words(PathProblem problem) => problem switch
    {
        PathProblem.NotFound => "no such file",
        PathProblem.NotADirectory => "a part of it is not a directory",
        PathProblem.TooManyLinks => $"more than {PathLookup.MaxLinks} symbolic links on its way",
        _ => $"longer than {PathLookup.MaxPathLength} bytes",
    };
}

/// <summary>What a path leads to, as path_resolution(7) has it.</summary>
public static class PathLookup
{
    /// <summary>MAXSYMLINKS (include/linux/namei.h).</summary>
    public const int MaxLinks = 40;

    /// <summary>PATH_MAX without its closing zero (include/uapi/linux/limits.h); also of a symbolic link's target.</summary>
    public const int MaxPathLength = 4095;

    extension(IInode root)
    {
        /// <summary>
        /// The file at a path from this directory on, absolute or relative. No path and no symbolic link leads above this directory: <c>..</c>
        /// in it is itself, and absolute targets begin at it, as after chroot(2).
        /// </summary>
        /// <param name="path">Bytes, parted by slashes.</param>
        /// <param name="followLast">Whether a symbolic link at the path's end is followed; ones on the way are, always.</param>
        /// <exception cref="PathException"/>
        /// <exception cref="DiskException"/>
        public IInode Find(ReadOnlySpan<byte> path, bool followLast = true) =>
            Walk(root, path, followLast, out PathProblem problem) ?? throw new PathException(ByteText.Of(path), problem);

        /// <summary>As <see cref="Find"/>; false where there is no such file.</summary>
        /// <exception cref="PathException">For other reasons: links without an end, a path without one.</exception>
        /// <exception cref="DiskException"/>
        public bool TryFind(ReadOnlySpan<byte> path, [NotNullWhen(true)] out IInode? inode, bool followLast = true)
        {
            inode = Walk(root, path, followLast, out PathProblem problem);
            return inode is not null || problem is PathProblem.NotFound or PathProblem.NotADirectory ? inode is not null : throw new PathException(ByteText.Of(path), problem);
        }
    }

    private static IInode? Walk(IInode root, ReadOnlySpan<byte> path, bool followLast, out PathProblem problem)
    {
        problem = path.Length > MaxPathLength ? PathProblem.TooLong : PathProblem.NotFound;
        if (path.IsEmpty || path.Length > MaxPathLength) return null;
        List<IInode> way = [root];
        int links = 0;
        ReadOnlySpan<byte> rest = path;
        while (TakeName(ref rest, out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("."u8)) continue;
            if (name.SequenceEqual(".."u8))
            {
                if (way.Count > 1) way.RemoveAt(way.Count - 1);
                continue;
            }

            if (name.Length > FileName.MaxLength) return None(PathProblem.TooLong, out problem);
            if (!way[^1].Status.IsDirectory) return None(PathProblem.NotADirectory, out problem);
            if (!way[^1].TryLookup(name, out IInode found)) return None(PathProblem.NotFound, out problem);
            if (found.Status.Type == FileType.SymbolicLink && (followLast || !rest.IsEmpty))
            {
                if (++links > MaxLinks) return None(PathProblem.TooManyLinks, out problem);
                ReadOnlyMemory<byte> target = found.ReadLink();
                if (target.IsEmpty) return None(PathProblem.NotFound, out problem);
                if (target.Length > MaxPathLength) return None(PathProblem.TooLong, out problem);
                if (target.Span[0] == '/') way.RemoveRange(1, way.Count - 1);
                // At most 40 targets of 4 KiB: it cannot grow without an end.
                rest = (byte[])[.. target.Span, .. rest];
            }
            else
            {
                way.Add(found);
                // A slash at the end asks for a directory.
                if (!rest.IsEmpty && !found.Status.IsDirectory) return None(PathProblem.NotADirectory, out problem);
            }
        }

        return way[^1];
    }

    /// <summary>Takes the next name off a path; what is left of it begins with a slash, or is empty.</summary>
    private static bool TakeName(ref ReadOnlySpan<byte> path, out ReadOnlySpan<byte> name)
    {
        path = path.TrimStart((byte)'/');
        int length = path.IndexOf((byte)'/');
        name = length < 0 ? path : path[..length];
        path = path[name.Length..];
        return !name.IsEmpty;
    }

    private static IInode? None(PathProblem why, out PathProblem problem)
    {
        problem = why;
        return null;
    }
}
