using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Files;

/// <summary>
/// What is mounted somewhere and cannot be read from outside: so that nothing else is seen in its place. What the kernel makes up only when it
/// is asked (proc, sysfs) is an empty directory.
/// </summary>
/// <param name="kind">The kernel's name of it.</param>
internal sealed class UnreadableFileSystem(string kind, bool isMadeUp) : IFileSystem
{
    public IInode Root { get; } = new Directory(kind, isMadeUp);

    private sealed class Directory(string kind, bool isMadeUp) : IInode
    {
        public FileStatus Status => new() { Ino = 1, Mode = 0x416d, Nlink = 2, Uid = 0, Gid = 0, Size = 0 };

        public IEnumerable<DirectoryEntry> Entries => isMadeUp ? [] : throw Unreadable();

        public IInode Open(in DirectoryEntry entry) => throw Unreadable();

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode) => throw Unreadable();

        public int Read(long offset, Span<byte> destination) => throw new InvalidOperationException("It is a directory.");

        public bool TryFindData(long offset, out FileRange data) => throw new InvalidOperationException("It is a directory.");

        public ReadOnlyMemory<byte> ReadLink() => throw new InvalidOperationException("It is a directory.");

        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => [];

        private DiskUnsupportedException Unreadable() =>
            new($"a mount of {kind}", isMadeUp ? "what is in it is made up by the guest's kernel when it is asked, and is in no memory before" : "this kind of file system is not read");
    }
}
