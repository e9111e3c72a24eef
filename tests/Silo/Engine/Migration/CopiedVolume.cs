using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Watari.Disk.FileSystems;
using Watari.GuestAgent.Protocol;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;

namespace Watari.Silo.Tests.Engine.Migration;

/// <summary>A volume in an array, changed as an agent changes one.</summary>
internal sealed class CopiedVolume(ContainerId name)
{
    private readonly SortedDictionary<string, Node> _nodes = new(StringComparer.Ordinal) { [""] = new Node("directory") };

    /// <summary>The kinds of the changes of the last list, one after another.</summary>
    public IReadOnlyList<string> Last { get; private set; } = [];

    /// <summary>Of all that is in it, the root's first, which is empty.</summary>
    public IEnumerable<string> Names => _nodes.Keys;

    public void CarryOut(Stream list)
    {
        var reader = new VolumeChangesReader(list);
        List<string> kinds = [];
        Node? file = null;
        while (reader.Read() is { } change)
        {
            kinds.Add(change.GetType().Name);
            switch (change)
            {
                case VolumeChange.Volume volume:
                    Assert.Equal(name, volume.Name);
                    foreach (string path in volume.IsEmptied ? [.. _nodes.Keys.Where(path => path.Length > 0)] : Array.Empty<string>()) _nodes.Remove(path);
                    break;
                case VolumeChange.Directory directory:
                    if (Find(directory.Path) is not { Kind: "directory" }) Put(directory.Path, new Node("directory"));
                    break;
                case VolumeChange.File begun:
                    file = begun.IsNew ? Put(begun.Path, new Node("file")) : Find(begun.Path)!;
                    Assert.Equal("file", file.Kind);
                    Array.Resize(ref file.Bytes, (int)begun.Size);
                    break;
                case VolumeChange.Data data:
                    data.Bytes.Span.CopyTo(file!.Bytes.AsSpan((int)data.Offset));
                    break;
                case VolumeChange.Zeroes zeroes:
                    file!.Bytes.AsSpan((int)zeroes.Offset, (int)zeroes.Length).Clear();
                    break;
                case VolumeChange.SymbolicLink link:
                    Put(link.Path, new Node("link") { Bytes = link.Target.ToArray() });
                    break;
                case VolumeChange.Special special:
                    Put(special.Path, new Node($"special {special.Type:x} {special.Major} {special.Minor}"));
                    break;
                case VolumeChange.HardLink link:
                    Put(link.Path, Find(link.To)!);
                    break;
                case VolumeChange.Attributes attributes:
                    Find(attributes.Path)!.Attributes = TextOf(attributes.Values);
                    break;
                case VolumeChange.Remove gone:
                    Remove(TextOf(gone.Path));
                    break;
            }
        }

        Last = kinds;
    }

    /// <summary>A line for each name.</summary>
    public string Describe()
    {
        Dictionary<Node, string> first = [];
        return string.Join('\n', _nodes.Select(node => Line(node.Key, node.Value.Kind, node.Value.Bytes, node.Value.Attributes, first.TryAdd(node.Value, node.Key) ? null : first[node.Value])));
    }

    /// <summary>The same of what it is a copy of.</summary>
    public static string Describe(IInode root)
    {
        Dictionary<ulong, string> first = [];
        SortedDictionary<string, string> lines = new(StringComparer.Ordinal);
        foreach (TreeFile file in root.Tree().OrderBy(file => Encoding.UTF8.GetString(file.Path.Span), StringComparer.Ordinal))
        {
            FileStatus status = file.Inode.Status;
            string path = Encoding.UTF8.GetString(file.Path.Span);
            (string kind, byte[] bytes) = status.Type switch
            {
                FileType.Directory => ("directory", []),
                FileType.Regular => ("file", file.Inode.ReadAll(1 << 30)),
                FileType.SymbolicLink => ("link", file.Inode.ReadLink().ToArray()),
                var type => ($"special {(int)type:x} {status.Rdev.Major} {status.Rdev.Minor}", Array.Empty<byte>()),
            };
            string attributes = TextOf(new VolumeFileAttributes
            {
                Permissions = (ushort)status.Permissions,
                Uid = status.Uid,
                Gid = status.Gid,
                Seconds = status.Mtime.Seconds,
                Nanoseconds = status.Mtime.Nanoseconds,
                Extended = [.. file.Inode.ReadExtendedAttributes().Select(one => ((ReadOnlyMemory<byte>)one.Name.Bytes.ToArray(), one.Value))],
            });
            lines[path] = Line(path, kind, bytes, attributes, first.TryAdd(status.Ino, path) ? null : first[status.Ino]);
        }

        return string.Join('\n', lines.Values);
    }

    private static string Line(string path, string kind, byte[] bytes, string? attributes, string? same) =>
        $"{path}: {kind} {bytes.Length} {XxHash64.HashToUInt64(bytes):x} {attributes}{(same is null ? "" : $" = {same}")}";

    private static string TextOf(VolumeFileAttributes attributes) => string.Create(
        CultureInfo.InvariantCulture,
        $"{attributes.Permissions:x} {attributes.Uid} {attributes.Gid} {attributes.Seconds} {attributes.Nanoseconds} {string.Join(',', attributes.Extended.Select(one => $"{TextOf(one.Name)}={TextOf(one.Value)}"))}");

    private static string TextOf(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private Node? Find(ReadOnlyMemory<byte> path) => _nodes.GetValueOrDefault(TextOf(path));

    private Node Put(ReadOnlyMemory<byte> path, Node node)
    {
        string text = TextOf(path);
        Remove(text);
        string parent = text[..Math.Max(0, text.LastIndexOf('/'))];
        Assert.Equal("directory", _nodes[parent].Kind);
        // Its time is another now, until it is told.
        _nodes[parent].Attributes = null;
        return _nodes[text] = node;
    }

    private void Remove(string path)
    {
        if (_nodes.ContainsKey(path)) _nodes[path[..Math.Max(0, path.LastIndexOf('/'))]].Attributes = null;
        foreach (string under in _nodes.Keys.Where(known => known == path || known.StartsWith(path + "/", StringComparison.Ordinal)).ToList()) _nodes.Remove(under);
    }

    private sealed class Node(string kind)
    {
        public byte[] Bytes = [];

        public string Kind => kind;

        public string? Attributes { get; set; }
    }
}
