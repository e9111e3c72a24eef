using System.Text;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Tests;

/// <summary>
/// Files in an array, as a disk gives them.
/// <code>
/// new FileTree { ["/etc/hostname"] = "web" }.Link("/etc/name", "hostname")
/// </code>
/// </summary>
internal sealed class FileTree : IFileSystem
{
    private readonly Node _root = new() { Mode = 0x41ed };

    public IInode Root => _root;

    public string this[string path]
    {
        set => Add(path, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Everything under a folder of the test's data, as it is.</summary>
    public static FileTree FromData(string folder)
    {
        var tree = new FileTree();
        string top = Path.Combine(AppContext.BaseDirectory, "Data", folder);
        foreach (string file in Directory.EnumerateFiles(top, "*", SearchOption.AllDirectories)) tree.Add(Path.GetRelativePath(top, file), File.ReadAllBytes(file));
        return tree;
    }

    public FileTree Add(string path, byte[] bytes) => Add(path, () => bytes);

    /// <summary>A file that is asked for anew at each look at it.</summary>
    public FileTree Add(string path, Func<byte[]> bytes) => Put(path, new Node { Mode = 0x81a4, Bytes = bytes });

    public FileTree Link(string path, string target) => Put(path, new Node { Mode = 0xa1ff, Bytes = () => Encoding.UTF8.GetBytes(target) });

    private FileTree Put(string path, Node node)
    {
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        Node at = _root;
        foreach (string name in names[..^1])
        {
            if (!at.Children.TryGetValue(name, out Node? next)) at.Children[name] = next = new Node { Mode = 0x41ed };
            at = next;
        }

        at.Children[names[^1]] = node;
        return this;
    }

    private sealed class Node : IInode
    {
        private byte[]? _seen;

        public ushort Mode { get; init; }

        public Func<byte[]> Bytes { get; init; } = () => [];

        public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

        public FileStatus Status => new() { Ino = 1, Mode = Mode, Nlink = 1, Uid = 0, Gid = 0, Size = (_seen = Bytes()).Length };

        public IEnumerable<DirectoryEntry> Entries => Children.Select(child => new DirectoryEntry(new FileName(Encoding.UTF8.GetBytes(child.Key)), 1, child.Value.Status.Type));

        public IInode Open(in DirectoryEntry entry) => TryLookup(entry.Name.Bytes, out IInode inode) ? inode : throw new InvalidOperationException();

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
        {
            bool found = Children.TryGetValue(Encoding.UTF8.GetString(name), out Node? child);
            inode = child!;
            return found;
        }

        public int Read(long offset, Span<byte> destination)
        {
            ReadOnlySpan<byte> rest = (_seen ?? Bytes()).AsSpan((int)offset);
            rest = rest[..Math.Min(rest.Length, destination.Length)];
            rest.CopyTo(destination);
            return rest.Length;
        }

        public bool TryFindData(long offset, out FileRange data) => throw new NotSupportedException();

        public ReadOnlyMemory<byte> ReadLink() => Bytes();

        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => [];
    }
}
