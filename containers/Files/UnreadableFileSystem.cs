using Watari.Disk.FileSystems;

namespace Watari.Containers.Files;

/// <summary>
/// What is mounted somewhere and cannot be read from outside: so that nothing else is seen in its place. What the kernel makes up only when it
/// is asked (proc, sysfs) is an empty directory.
/// </summary>
/// <param name="what">Which: <c>a mount of xfs</c>.</param>
/// <param name="why">Why it cannot be read.</param>
/// <param name="root">What is known of its root; null: it is taken for a directory.</param>
/// <param name="isMadeUp">Whether it is empty as long as nobody asks.</param>
internal sealed class UnreadableFileSystem(string what, string why, FileStatus? root = null, bool isMadeUp = false) : IFileSystem
{
    private static readonly FileStatus s_directory = new() { Ino = 1, Mode = 0x416d, Nlink = 2, Uid = 0, Gid = 0, Size = 0 };

    public IInode Root => new Unreadable(what, why, root ?? s_directory, isMadeUp);

    /// <summary>In a mount's place.</summary>
    internal static UnreadableFileSystem Of(MountedFiles mount, string why) => new($"a mount of {mount.FileSystem}", why, mount.Status, mount.Kind == MountKind.MadeUp);

    private sealed class Unreadable(string what, string why, FileStatus status, bool isMadeUp) : IInode
    {
        public FileStatus Status => status;

        public IEnumerable<DirectoryEntry> Entries => isMadeUp ? [] : throw Error();

        public IInode Open(in DirectoryEntry entry) => throw Error();

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode) => throw Error();

        public int Read(long offset, Span<byte> destination) => throw Error();

        public bool TryFindData(long offset, out FileRange data) => throw Error();

        public ReadOnlyMemory<byte> ReadLink() => throw Error();

        /// <summary>A file's are asked for before its contents: an archive is to leave it out, and not to hold zeroes in its place.</summary>
        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => status.Type == FileType.Regular ? throw Error() : [];

        private GuestFileException Error() => new($"{what}: {why}");
    }
}
