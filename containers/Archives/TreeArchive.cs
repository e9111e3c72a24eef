using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Archives;

/// <summary>
/// A file or a directory of a guest as an archive that is made piece by piece: between two pieces nothing of the guest is held, and each goes
/// on in the files as they are then. A directory that changes meanwhile is seen partly as before, as by any program that reads it.
/// <code>
/// var archive = new TreeArchive("/etc"u8.ToArray(), "etc"u8.ToArray());
/// while (archive.Write(Open(), output, limit: 1 &lt;&lt; 20)) ...
/// </code>
/// </summary>
/// <param name="path">Where it is in the root that each piece is given; a link at its end is not followed.</param>
/// <param name="name">What it is called in the archive.</param>
public sealed class TreeArchive(ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> name)
{
    private const int MaxProblems = 100; // of one piece

    private static readonly DiskLimits s_limits = new() { TreeEntries = ContainerLimits.Default.TreeEntries };

    private readonly List<string> _problems = [];
    private readonly PaxArchive _archive = new(Stream.Null);
    private ReadOnlyMemory<byte>? _last; // from the path on
    private FileStatus _status;
    private long _offset, _length;
    private bool _isBroken; // what is left of the contents are zeroes

    /// <summary>What of the tree is not in the archive as it should be, and why; since this was last asked.</summary>
    public IReadOnlyList<string> TakeProblems()
    {
        string[] problems = [.. _problems];
        _problems.Clear();
        return problems;
    }

    /// <summary>Writes the next piece.</summary>
    /// <param name="root">What the path leads from, as it is now.</param>
    /// <param name="limit">Bytes from which on the piece is long enough; what is told of one file may lie beyond.</param>
    /// <returns>False: it was the last.</returns>
    /// <exception cref="DiskException">The tree cannot be read: nothing was written, and it may be tried again.</exception>
    public bool Write(IInode root, Stream output, int limit)
    {
        ArgumentNullException.ThrowIfNull(root);
        ArgumentNullException.ThrowIfNull(output);
        using var piece = new MemoryStream();
        _archive.Output = piece;
        bool more = true;
        try
        {
            more = Fill(root, piece, limit);
        }
        catch (DiskException) when (piece.Length > 0)
        {
            // Between two files: the next piece begins there.
        }

        output.Write(piece.GetBuffer().AsSpan(0, (int)piece.Length));
        return more;
    }

    private bool Fill(IInode root, MemoryStream piece, int limit)
    {
        IInode tree = root.Find(path.Span, followLast: false);
        if (_offset < _length) Continue(tree, piece, limit);
        if (piece.Length >= limit) return true;
        IEnumerable<TreeFile> rest = _last is { } last ? tree.TreeAfter(last, s_limits) : tree.Tree(s_limits);
        foreach (TreeFile file in rest)
        {
            _last = file.Path;
            Begin(file);
            if (_offset < _length) AddContents(file.Inode, piece, limit);
            if (piece.Length >= limit) return true;
        }

        _archive.End();
        return false;
    }

    private void Begin(TreeFile file)
    {
        _offset = _length = 0;
        _isBroken = false;
        try
        {
            _status = file.Inode.Status;
            if (!_archive.Begin(NameOf(file.Path), file.Inode, out _length)) Tell(file.Path, "is a socket, which no archive holds");
        }
        catch (DiskException e)
        {
            Tell(file.Path, $"is left out: {e.Message}");
        }
    }

    /// <summary>The file whose contents were begun may be another by now.</summary>
    private void Continue(IInode tree, MemoryStream piece, int limit)
    {
        IInode? file = null;
        bool isThere = _last!.Value.IsEmpty ? (file = tree) is not null : tree.TryFind(_last.Value.Span, out file, followLast: false);
        if (!isThere || KeyOf(file!.Status) != KeyOf(_status)) Break("was replaced by another file, or removed");
        else if (file.Status.Size < _status.Size) Break("became shorter");
        else if (file.Status.Mtime != _status.Mtime && !_isBroken) Tell(_last.Value, "changed while it was read");
        if (file is not null) _status = _status with { Mtime = file.Status.Mtime };
        AddContents(file, piece, limit);
    }

    private void AddContents(IInode? file, MemoryStream piece, int limit)
    {
        Span<byte> zeroes = stackalloc byte[4096];
        zeroes.Clear();
        while (_offset < _length && piece.Length < limit)
        {
            if (!_isBroken)
            {
                try
                {
                    _offset += _archive.AddContent(file!, _offset, (int)(limit - piece.Length));
                    continue;
                }
                catch (DiskException e)
                {
                    Break($"cannot be read: {e.Message}");
                }
            }

            _offset += _archive.AddContent(zeroes[..(int)Math.Min(zeroes.Length, _length - _offset)]);
        }
    }

    private void Break(string why)
    {
        if (!_isBroken) Tell(_last!.Value, $"{why}: from byte {_offset} on it is zeroes");
        _isBroken = true;
    }

    private byte[] NameOf(ReadOnlyMemory<byte> file) => file.IsEmpty ? name.ToArray() : [.. name.Span, (byte)'/', .. file.Span];

    private void Tell(ReadOnlyMemory<byte> file, string problem)
    {
        if (_problems.Count < MaxProblems) _problems.Add($"{PathText.Of(NameOf(file))} {problem}");
        else if (_problems.Count == MaxProblems) _problems.Add("and more");
    }

    private static (ulong, ulong) KeyOf(FileStatus status) => (status.Dev, status.Ino);
}
