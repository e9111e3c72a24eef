using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Archives;

/// <summary>
/// A file or a directory of a guest as an archive that is made piece by piece: between two pieces nothing of the guest is held, and each goes
/// on in the files as they are then. A directory that changes meanwhile is seen partly as before, as by any program that reads it. What
/// cannot be read is left out and told; before, it is tried once more in a piece of its own, for the guest may just have been writing.
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
    private const int MaxLeftOut = 4096;

    private static readonly DiskLimits s_limits = new() { TreeEntries = ContainerLimits.Default.TreeEntries };

    private readonly List<string> _problems = [];
    private readonly PaxArchive _archive = new(Stream.Null);
    private ReadOnlyMemory<byte>? _last; // from the path on
    private FileStatus _status;
    private long _offset, _length;
    private bool _isBroken; // what is left of the contents are zeroes
    private readonly HashSet<string> _leftOut = new(StringComparer.Ordinal); // and told
    private bool _hasFailed; // and nothing was read since
    private bool _isTriedAgain;

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
        _isTriedAgain = false;
        try
        {
            more = Fill(root, piece, limit);
        }
        catch (DiskException) when (piece.Length > 0 || _isTriedAgain)
        {
            // Between two files, or in the contents of one: the next piece begins there.
        }

        output.Write(piece.GetBuffer().AsSpan(0, (int)piece.Length));
        return more;
    }

    private bool Fill(IInode root, MemoryStream piece, int limit)
    {
        IInode tree = root.Find(path.Span, followLast: false);
        if (_offset < _length) Continue(tree, piece, limit);
        if (piece.Length >= limit) return true;
        IEnumerable<TreeFile> rest = _last is { } last ? tree.TreeAfter(last, s_limits, IsLeftOut) : tree.Tree(s_limits, IsLeftOut);
        foreach (TreeFile file in rest)
        {
            Begin(file);
            _last = file.Path;
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
            if (!_archive.Begin(NameOf(file.Path), file.Inode, out long length)) Tell(file.Path, "is a socket, which no archive holds");
            _length = length;
            _hasFailed = false;
        }
        catch (DiskException e) when (IsLeftOut(file.Path, e))
        {
            // Told.
        }
    }

    /// <summary>False: it is tried again, or what fails is no matter of this file.</summary>
    private bool IsLeftOut(ReadOnlyMemory<byte> file, DiskException why)
    {
        if (!IsOfOneFile(why)) return false;
        string name = PathText.Of(file.Span);
        if (_leftOut.Contains(name)) return true;
        if (IsTriedAgain()) return false;
        if (_leftOut.Count < MaxLeftOut) _leftOut.Add(name);
        Tell(file, $"is left out: {why.Message}");
        return true;
    }

    /// <summary>Not where the look has ended, or the disk is not to be had any more.</summary>
    private static bool IsOfOneFile(DiskException why) => why is not (DiskDeadlineException or DiskImageException);

    private bool IsTriedAgain()
    {
        if (_hasFailed) return false;
        return _hasFailed = _isTriedAgain = true;
    }

    private void Continue(IInode tree, MemoryStream piece, int limit)
    {
        IInode? file = null;
        try
        {
            if (!_isBroken) file = FindAgain(tree);
        }
        catch (DiskException e) when (IsOfOneFile(e) && !IsTriedAgain())
        {
            Break($"cannot be read: {e.Message}");
        }

        AddContents(file, piece, limit);
    }

    /// <summary>The file whose contents were begun, which may be another by now; null where none is there any more.</summary>
    private IInode? FindAgain(IInode tree)
    {
        IInode? file = _last!.Value.IsEmpty ? tree : tree.TryFind(_last.Value.Span, out IInode? found, followLast: false) ? found : null;
        FileStatus status = file?.Status ?? default;
        if (file is null || KeyOf(status) != KeyOf(_status)) Break("was replaced by another file, or removed");
        else if (status.Size < _status.Size) Break("became shorter");
        else if (status.Mtime != _status.Mtime) Tell(_last.Value, "changed while it was read");
        if (file is not null) _status = _status with { Mtime = status.Mtime };
        return file;
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
                    _hasFailed = false;
                    continue;
                }
                catch (DiskException e) when (IsOfOneFile(e) && !IsTriedAgain())
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
