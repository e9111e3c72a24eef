using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Watari.Disk;
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

    /// <summary>The regular files of an archive (tar, gzip) of the test's data, under a directory.</summary>
    public static FileTree FromArchive(string name, string directory)
    {
        var tree = new FileTree();
        using var archive = new TarReader(new GZipStream(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "Data", name)), CompressionMode.Decompress));
        while (archive.GetNextEntry() is { } entry)
        {
            if (entry.EntryType != TarEntryType.RegularFile) continue;
            byte[] bytes = new byte[entry.Length];
            entry.DataStream?.ReadExactly(bytes);
            tree.Add($"{directory}/{entry.Name}", bytes);
        }

        return tree;
    }

    public FileTree Add(string path, byte[] bytes) => Add(path, () => bytes);

    /// <summary>A file that is asked for anew at each look at it.</summary>
    public FileTree Add(string path, Func<byte[]> bytes) => Put(path, new Node { Mode = 0x81a4, Bytes = bytes });

    public FileTree Link(string path, string target) => Put(path, new Node { Mode = 0xa1ff, Bytes = () => Encoding.UTF8.GetBytes(target) });

    /// <summary>A directory, with extended attributes as <c>name=value</c>.</summary>
    public FileTree Directory(string path, params string[] attributes) => Put(path, new Node { Mode = 0x41ed, Attributes = attributes });

    /// <summary>A regular file, with extended attributes.</summary>
    public FileTree Attributed(string path, string content, params string[] attributes) =>
        Put(path, new Node { Mode = 0x81a4, Bytes = () => Encoding.UTF8.GetBytes(content), Attributes = attributes });

    /// <summary>A directory that is damaged: what is in it cannot be told.</summary>
    public FileTree Damaged(string path) => Put(path, new Node { Mode = 0x41ed, Damage = new DiskStructureException($"directory {path}", "it is damaged") });

    /// <summary>What overlay puts where a file was removed.</summary>
    public FileTree Whiteout(string path) => Put(path, new Node { Mode = 0x2000 });

    /// <summary>A second name of a file.</summary>
    public FileTree HardLink(string path, string to)
    {
        Node node = Find(to);
        node.Names++;
        return Put(path, node);
    }

    /// <summary>The next time that the attributes of the file are read, they are not what they should be.</summary>
    public FileTree Tear(string path)
    {
        Find(path).IsTorn = true;
        return this;
    }

    /// <summary>Takes the file of that path out of the tree.</summary>
    public FileTree Remove(string path)
    {
        Find(path[..path.LastIndexOf('/')]).Children.Remove(path[(path.LastIndexOf('/') + 1)..]);
        return this;
    }

    public FileTree Move(string from, string to)
    {
        Node node = Find(from);
        return Remove(from).Put(to, node);
    }

    private Node Find(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate(_root, (at, name) => at.Children[name]);

    private FileTree Put(string path, Node node)
    {
        string[] names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        Node at = _root;
        foreach (string name in names[..^1])
        {
            if (!at.Children.TryGetValue(name, out Node? next)) at.Children[name] = next = new Node { Mode = 0x41ed };
            at = next;
        }

        if (at.Children.TryGetValue(names[^1], out Node? before) && (node.Mode & 0xf000) == 0x4000)
        {
            foreach ((string name, Node child) in before.Children) node.Children[name] = child;
        }

        at.Children[names[^1]] = node;
        return this;
    }

    private sealed class Node : IInode
    {
        private static long s_inodes;

        private readonly ulong _ino = (ulong)Interlocked.Increment(ref s_inodes);
        private byte[]? _seen;

        public ushort Mode { get; init; }

        public Func<byte[]> Bytes { get; init; } = () => [];

        public IReadOnlyList<string> Attributes { get; init; } = [];

        public uint Names { get; set; } = 1;

        public DiskException? Damage { get; init; }

        public bool IsTorn { get; set; }

        public Dictionary<string, Node> Children { get; } = new(StringComparer.Ordinal);

        public FileStatus Status => new() { Ino = _ino, Mode = Mode, Nlink = Names, Uid = 0, Gid = 0, Size = (_seen = Bytes()).Length };

        public IEnumerable<DirectoryEntry> Entries => Damage is not null ? throw Damage
            : Children.Select(child => new DirectoryEntry(new FileName(Encoding.UTF8.GetBytes(child.Key)), child.Value._ino, (FileType)(child.Value.Mode & 0xf000)));

        public IInode Open(in DirectoryEntry entry) => TryLookup(entry.Name.Bytes, out IInode inode) ? inode : throw new InvalidOperationException();

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode)
        {
            if (Damage is not null) throw Damage;
            bool found = Children.TryGetValue(Encoding.UTF8.GetString(name), out Node? child);
            inode = child!;
            return found;
        }

        public int Read(long offset, Span<byte> destination)
        {
            ReadOnlySpan<byte> rest = (_seen ?? Bytes()).AsSpan((int)Math.Min(offset, (_seen ?? Bytes()).Length));
            rest = rest[..Math.Min(rest.Length, destination.Length)];
            rest.CopyTo(destination);
            return rest.Length;
        }

        public bool TryFindData(long offset, out FileRange data) => throw new NotSupportedException();

        public ReadOnlyMemory<byte> ReadLink() => Bytes();

        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes()
        {
            if (IsTorn)
            {
                IsTorn = false;
                throw new DiskStructureException($"inode {_ino}", "it tore");
            }

            return [.. Attributes.Select(text => text.Split('=')).Select(parts => new ExtendedAttribute(new FileName(Encoding.UTF8.GetBytes(parts[0])), Encoding.UTF8.GetBytes(parts[1])))];
        }
    }
}
