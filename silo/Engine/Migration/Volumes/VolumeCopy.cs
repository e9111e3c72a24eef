using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using Watari.Containers;
using Watari.Containers.Files;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GuestAgent.Protocol;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;

namespace Watari.Silo.Engine.Migration.Volumes;

/// <summary>
/// A volume on its way: what the destination has of it by now, and pass by pass what must change there to be as the source is. What it has
/// is kept as hashes of blocks, so a pass reads all and sends what differs; no time that a guest can set is believed.
/// <code>
/// copy.WriteLive(changes, () => Root());   // the container runs: what tears is mended by the next
/// copy.WriteStill(changes, () => Root());  // it stands still: the destination has what the source has
/// </code>
/// </summary>
/// <param name="name">The volume.</param>
/// <param name="memory">For what is known of the destination.</param>
internal sealed class VolumeCopy(ContainerId name, VolumeMemory memory)
{
    public const int BlockBytes = 64 << 10;

    /// <summary>So much is read at once: each reading finds the file in the guest's memory anew, and asks its disk.</summary>
    public const int PieceBytes = 16 * BlockBytes;

    private const int LongestPath = 4095; // PATH_MAX with its end (include/uapi/linux/limits.h)
    private const int DoubtBytes = 1024; // the smallest block of ext4: a page may be on the disk in part
    private const int Attempts = 3;
    private const int HashBytes = 16, NameBytes = 200; // of objects, beside the name's letters
    private const int MostLinks = 1 << 20;

    /// <summary>Of no bytes that were seen.</summary>
    private static readonly UInt128 s_unknown = UInt128.Zero;

    // Whoever fills the volume must not be able to make two blocks of one hash.
    private readonly long _seed = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
    private readonly byte[] _piece = memory.Piece;
    private readonly Dictionary<string, Name> _names = new(StringComparer.Ordinal); // paths, a letter for each byte
    private bool _isBegun;
    private int _pass;
    private long _taken; // of the memory

    /// <summary>While the container runs. What cannot be read just then is left to the next pass.</summary>
    /// <param name="changes">Gets what is to be changed.</param>
    /// <param name="look">Gives the volume's root.</param>
    /// <param name="limits">See there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DiskException">Nothing of it can be read, or more is in it than can be known: <see cref="Forget"/> it.</exception>
    public void WriteLive(VolumeChangesWriter changes, Func<IInode> look, VolumeLimits limits, CancellationToken cancellationToken)
    {
        Pass pass = Begin(changes, isStill: false, limits, cancellationToken);
        foreach (TreeFile file in look().Tree(passOver: (_, why) => why is not DiskDeadlineException))
        {
            // Of a directory that could not be taken nothing can be.
            if (!file.Path.IsEmpty && !(_names.TryGetValue(ParentOf(Encoding.Latin1.GetString(file.Path.Span)), out Name? parent) && parent.Seen == _pass && parent.File.Type == FileType.Directory)) continue;
            try
            {
                Take(file, pass);
            }
            catch (DiskException e) when (e is DiskStructureException or GuestFileException)
            {
                // It changed under the look; nothing of it was written.
            }
        }

        End(pass, look);
    }

    /// <summary>While the container stands still: when the changes have been carried out, the destination has what the source has.</summary>
    /// <inheritdoc cref="WriteLive"/>
    /// <exception cref="DiskException">Something cannot be read.</exception>
    /// <exception cref="IOException">There is more than <see cref="VolumeLimits.ReadBytes"/>.</exception>
    public void WriteStill(VolumeChangesWriter changes, Func<IInode> look, VolumeLimits limits, CancellationToken cancellationToken)
    {
        Pass pass = Begin(changes, isStill: true, limits, cancellationToken);
        bool isFirst = true;
        ReadOnlyMemory<byte> last = default;
        Repeat(() =>
        {
            // A look that led astray goes on behind what is done.
            foreach (TreeFile file in isFirst ? look().Tree() : look().TreeAfter(last))
            {
                Take(file, pass);
                (isFirst, last) = (false, file.Path);
            }
        });
        Settle(pass, look);
        End(pass, look);
    }

    /// <summary>What a container has changed of its image, while it stands still: the destination has the image, and nothing else.</summary>
    /// <param name="changes">Gets what is to be changed.</param>
    /// <param name="look">Gives its layers.</param>
    /// <param name="limits">See there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <inheritdoc cref="WriteStill"/>
    public void WriteChanges(VolumeChangesWriter changes, Func<ContainerLayers> look, VolumeLimits limits, CancellationToken cancellationToken)
    {
        _isBegun = true;
        Pass pass = Begin(changes, isStill: true, limits, cancellationToken);
        int done = 0;
        Repeat(() =>
        {
            foreach (FileChange change in look().Changes().Skip(done))
            {
                if (change.Inode is { } inode)
                {
                    Take(new TreeFile(change.Path, inode), pass);
                }
                else
                {
                    pass.Changes.Remove(change.Path.Span);
                    pass.Touch(Encoding.Latin1.GetString(change.Path.Span));
                }

                done++;
            }
        });
        Settle(pass, Root);
        End(pass, Root);

        IInode Root() => look().Merged.Root;
    }

    /// <summary>One file of a directory, while it stands still; nobody else has it.</summary>
    /// <param name="changes">Gets what is to be changed.</param>
    /// <param name="look">Gives the directory.</param>
    /// <param name="file">Its name there; one that is missing is none.</param>
    /// <param name="limits">See there.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <inheritdoc cref="WriteStill"/>
    public void WriteFile(VolumeChangesWriter changes, Func<IInode> look, byte[] file, VolumeLimits limits, CancellationToken cancellationToken)
    {
        Pass pass = Begin(changes, isStill: true, limits, cancellationToken);
        Repeat(() =>
        {
            if (look().TryLookup(file, out IInode inode) && inode.Status.Type == FileType.Regular) Take(new TreeFile(file, inode), pass);
        });
        Settle(pass, look);
        End(pass, look);
    }

    /// <summary>Nothing is known of what the destination has: the next pass begins anew.</summary>
    public void Forget()
    {
        TryTake(-_taken);
        _names.Clear();
        _isBegun = false;
    }

    private static void Repeat(Action look)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                look();
                return;
            }
            catch (DiskStructureException) when (attempt < Attempts)
            {
                // It tore, or is damaged: then it is so the next time, too.
            }
        }
    }

    private Pass Begin(VolumeChangesWriter changes, bool isStill, VolumeLimits limits, CancellationToken cancellationToken)
    {
        _pass++;
        changes.Volume(name, isEmptied: !_isBegun);
        _isBegun = true;
        return new Pass(changes, isStill, limits.ReadBytes, cancellationToken);
    }

    private void Take(TreeFile file, Pass pass)
    {
        pass.CancellationToken.ThrowIfCancellationRequested();
        IInode inode = file.Inode;
        FileStatus status = inode.Status;
        string path = Encoding.Latin1.GetString(file.Path.Span);
        if (path.Length == 0 && !status.IsDirectory) throw new DiskStructureException($"volume {name}", "its root is no directory");
        if (path.Length > LongestPath) throw new DiskUnsupportedException($"volume {name}", $"a file lies deeper than a path of {LongestPath} bytes leads");
        byte[] attributes = AttributesOf(inode, status);
        bool hasOtherNames = !status.IsDirectory && status.Nlink > 1;
        if (hasOtherNames && pass.Links.TryGetValue((status.Dev, status.Ino), out (string Path, KnownFile File) first))
        {
            Link(path, first.Path, first.File, pass);
            return;
        }

        KnownFile? known = status.Type switch
        {
            FileType.Directory => Directory(path, pass),
            FileType.Regular => Regular(path, inode, status, pass),
            FileType.SymbolicLink => Link(path, inode.ReadLink(), pass),
            FileType.Fifo or FileType.CharacterDevice or FileType.BlockDevice => Special(path, status, pass),
            _ => null, // a socket, which no archive holds either
        };
        if (known is null) return;
        UInt128 hash = Hash(attributes);
        if (status.IsDirectory)
        {
            // Told when all in it is done: that changes its time.
            if (known.Attributes != hash) pass.Touched.Add(path);
        }
        else if (known.Attributes != hash)
        {
            pass.Changes.Attributes(file.Path.Span, attributes);
        }

        known.Attributes = hash;
        Keep(path, known, pass);
        if (hasOtherNames && pass.Links.Count < MostLinks) pass.Links[(status.Dev, status.Ino)] = (path, known);
    }

    private KnownFile Directory(string path, Pass pass)
    {
        if (_names.TryGetValue(path, out Name? known) && known.File.Type == FileType.Directory) return known.File;
        if (path.Length > 0)
        {
            pass.Changes.Directory(Bytes(path));
            pass.Touch(path);
        }

        return new KnownFile(FileType.Directory);
    }

    private KnownFile Link(string path, ReadOnlyMemory<byte> target, Pass pass)
    {
        UInt128 content = Hash(target.Span);
        if (Claim(path, FileType.SymbolicLink) is { } known && known.Content == content) return known;
        pass.Changes.SymbolicLink(Bytes(path), target.Span);
        pass.Touch(path);
        return new KnownFile(FileType.SymbolicLink) { Content = content, Claimed = _pass };
    }

    private KnownFile Special(string path, FileStatus status, Pass pass)
    {
        UInt128 content = new(1, ((ulong)status.Rdev.Major << 32) | status.Rdev.Minor);
        if (Claim(path, status.Type) is { } known && known.Content == content) return known;
        pass.Changes.Special(Bytes(path), (ushort)status.Type, status.Rdev.Major, status.Rdev.Minor);
        pass.Touch(path);
        return new KnownFile(status.Type) { Content = content, Claimed = _pass };
    }

    /// <summary>One more name of a file that is done.</summary>
    private void Link(string path, string first, KnownFile file, Pass pass)
    {
        if (!_names.TryGetValue(path, out Name? known) || known.File != file)
        {
            pass.Changes.HardLink(Bytes(path), Bytes(first));
            pass.Touch(path);
        }

        Keep(path, file, pass);
    }

    /// <returns>Null: it goes whole when the container stands still.</returns>
    private KnownFile? Regular(string path, IInode inode, FileStatus status, Pass pass)
    {
        long size = status.Size >= 0 ? status.Size : throw new DiskStructureException($"inode {status.Ino}", $"a file of {status.Size} bytes");
        pass.Read(size);
        KnownFile? there = Claim(path, FileType.Regular);
        UInt128[]? blocks = BlocksOf(there?.Blocks, size);
        if (blocks is null && !pass.IsStill) return null;
        bool isNew = there?.Blocks is null || blocks is null;
        // From this block on the destination's file is zeroes.
        long zeroesFrom = isNew ? 0 : there!.Blocks!.Length;
        KnownFile file = isNew ? new KnownFile(FileType.Regular) { Claimed = _pass } : there!;
        bool isBegun = false;
        if (isNew || file.Size != size) Begin();
        (file.Size, file.Blocks) = (size, blocks);
        Doubts? doubts = null;
        bool isPieceWhole = false;
        for (long index = 0; index * BlockBytes < size; index++)
        {
            pass.CancellationToken.ThrowIfCancellationRequested();
            long offset = index * BlockBytes;
            int at = (int)(offset % PieceBytes);
            Span<byte> block = _piece.AsSpan(at, (int)Math.Min(BlockBytes, size - offset));
            if (at == 0) isPieceWhole = TryRead(inode, offset, _piece.AsSpan(0, (int)Math.Min(PieceBytes, size - offset)));
            bool isWhole = isPieceWhole || TryRead(inode, offset, block);
            if (pass.IsStill && (!isWhole || HasZeroes(block))) (doubts ??= new Doubts(path, file, status)).Add(offset, block.Length);
            UInt128 hash = isWhole ? Hash(block) : s_unknown;
            UInt128 before = blocks is not null ? blocks[index] : s_unknown;
            if (blocks is not null) blocks[index] = hash;
            // What could not be read is read again before it is believed, or by the next pass.
            if (!isWhole || hash == before) continue;
            bool isZero = !block.ContainsAnyExcept((byte)0);
            if (isZero && index >= zeroesFrom) continue;
            Begin();
            if (isZero) pass.Changes.Zeroes(offset, block.Length);
            else pass.Changes.Data(offset, block);
        }

        if (doubts is not null) pass.Doubts.Add(doubts);
        return file;

        void Begin()
        {
            if (isBegun) return;
            isBegun = true;
            pass.Changes.File(Bytes(path), size, isNew);
            file.Attributes = s_unknown;
            if (isNew) pass.Touch(path);
        }
    }

    /// <summary>
    /// Reads again what was read as zeroes, or not at all: a guest puts on its disk what is only in its memory, and makes room there, while
    /// it is read; to a look that knows the disk from before, that is a hole. A second look begins when the first has ended.
    /// </summary>
    private void Settle(Pass pass, Func<IInode> look)
    {
        int done = 0;
        Repeat(() =>
        {
            IInode root = look();
            for (; done < pass.Doubts.Count; done++) Settle(pass.Doubts[done], root.Find(Bytes(pass.Doubts[done].Path), followLast: false), pass);
        });
    }

    private void Settle(Doubts doubts, IInode inode, Pass pass)
    {
        FileStatus now = inode.Status;
        if ((now.Ino, now.Type, now.Size) != (doubts.Status.Ino, doubts.Status.Type, doubts.Status.Size)) throw Changed();
        bool isBegun = false;
        foreach (FileRange range in doubts.Ranges)
        {
            for (long offset = range.Offset; offset < range.End; offset += BlockBytes)
            {
                pass.CancellationToken.ThrowIfCancellationRequested();
                Span<byte> block = _piece.AsSpan(0, (int)Math.Min(BlockBytes, now.Size - offset));
                if (inode.ReadUpTo(offset, block) < block.Length) throw Changed();
                UInt128 hash = Hash(block);
                if (doubts.File.Blocks is { } blocks)
                {
                    if (blocks[offset / BlockBytes] == hash) continue;
                    blocks[offset / BlockBytes] = hash;
                }

                if (!isBegun) pass.Changes.File(Bytes(doubts.Path), now.Size, isNew: false);
                isBegun = doubts.WasWritten = true;
                if (block.ContainsAnyExcept((byte)0)) pass.Changes.Data(offset, block);
                else pass.Changes.Zeroes(offset, block.Length);
            }
        }

        if (doubts.WasWritten) pass.Changes.Attributes(Bytes(doubts.Path), AttributesOf(inode, now));

        DiskStructureException Changed() => new($"file {PathText.Of(Bytes(doubts.Path))}", "another than it was when it was read first");
    }

    /// <summary>What is not in the volume any more goes, and directories get their times back.</summary>
    private void End(Pass pass, Func<IInode> look)
    {
        List<string> gone = [.. _names.Where(known => known.Value.Seen != _pass).Select(known => known.Key)];
        foreach (string path in gone)
        {
            // With a directory goes what is in it, and with what took its name.
            if (!_names.TryGetValue(ParentOf(path), out Name? parent) || parent.Seen != _pass || parent.File.Type != FileType.Directory) continue;
            pass.Changes.Remove(Bytes(path));
            pass.Touch(path);
        }

        foreach (string path in gone)
        {
            if (_names.Remove(path, out Name? known)) TryTake(-CostOf(path, known.File));
        }

        List<string> touched = [.. pass.Touched];
        int done = 0;
        Repeat(() =>
        {
            IInode root = look();
            for (; done < touched.Count; done++) Finish(touched[done], root, pass);
        });
    }

    /// <summary>Tells of a directory. Not kept from when the walk came to it: a guest can give each a lot of attributes.</summary>
    private void Finish(string path, IInode root, Pass pass)
    {
        UInt128 hash = s_unknown;
        try
        {
            IInode? directory = root;
            if ((path.Length == 0 || root.TryFind(Bytes(path), out directory, followLast: false)) && directory.Status is { IsDirectory: true } status)
            {
                byte[] attributes = AttributesOf(directory, status);
                pass.Changes.Attributes(Bytes(path), attributes);
                hash = Hash(attributes);
            }
            else if (pass.IsStill)
            {
                throw new DiskStructureException($"directory {PathText.Of(Bytes(path))}", "is not where it was");
            }
        }
        catch (DiskException e) when (!pass.IsStill && e is (DiskStructureException or GuestFileException))
        {
            // The next pass has it.
        }

        if (_names.TryGetValue(path, out Name? known)) known.File.Attributes = hash;
    }

    /// <summary>What the destination has under that name; but once in a pass, for it may have several names there, of what are several files by now.</summary>
    private KnownFile? Claim(string path, FileType type)
    {
        if (!_names.TryGetValue(path, out Name? known) || known.File.Type != type || known.File.Claimed == _pass) return null;
        known.File.Claimed = _pass;
        return known.File;
    }

    private void Keep(string path, KnownFile file, Pass pass)
    {
        if (_names.TryGetValue(path, out Name? known))
        {
            (known.File, known.Seen) = (file, _pass);
            return;
        }

        if (TryTake(NameBytes + (2L * path.Length))) _names.Add(path, new Name(file) { Seen = _pass });
        else if (!pass.IsStill) throw new DiskLimitException($"volume {name}", nameof(VolumeLimits.KnownBytes), memory.Left);
    }

    /// <returns>With what was known of them; null: there is no memory for it.</returns>
    private UInt128[]? BlocksOf(UInt128[]? known, long size)
    {
        long count = (size / BlockBytes) + (size % BlockBytes > 0 ? 1 : 0);
        if (known?.Length == count) return known;
        if (count > Array.MaxLength || !TryTake((count - (known?.Length ?? 0)) * HashBytes)) return null;
        var blocks = new UInt128[count];
        known?.AsSpan(0, (int)Math.Min(known.Length, count)).CopyTo(blocks);
        return blocks;
    }

    private bool TryTake(long bytes)
    {
        if (!memory.TryTake(bytes)) return false;
        _taken += bytes;
        return true;
    }

    private static long CostOf(string path, KnownFile file) => NameBytes + (2L * path.Length) + ((file.Blocks?.Length ?? 0) * (long)HashBytes);

    private UInt128 Hash(ReadOnlySpan<byte> bytes) => XxHash128.HashToUInt128(bytes, _seed) is var hash && hash == s_unknown ? UInt128.One : hash;

    /// <returns>False: the end of the block could not be read, and is zeroes.</returns>
    private static bool TryRead(IInode inode, long offset, Span<byte> block)
    {
        int count = 0;
        try
        {
            while (count < block.Length && inode.Read(offset + count, block[count..]) is > 0 and int more) count += more;
        }
        catch (DiskException e) when (e is DiskStructureException or GuestFileException)
        {
            // A second look may have it.
        }

        block[count..].Clear();
        return count == block.Length;
    }

    private static bool HasZeroes(ReadOnlySpan<byte> bytes)
    {
        for (int at = 0; at < bytes.Length; at += DoubtBytes)
        {
            if (!bytes[at..Math.Min(bytes.Length, at + DoubtBytes)].ContainsAnyExcept((byte)0)) return true;
        }

        return false;
    }

    /// <summary>Encoded; the same file always has the same.</summary>
    private static byte[] AttributesOf(IInode inode, FileStatus status)
    {
        try
        {
            return VolumeChangesWriter.Encode(new VolumeFileAttributes
            {
                Permissions = (ushort)status.Permissions,
                Uid = status.Uid,
                Gid = status.Gid,
                Seconds = status.Mtime.Seconds,
                Nanoseconds = status.Mtime.Nanoseconds,
                Extended = [.. ExtendedOf(inode).OrderBy(attribute => attribute.Name).Select(attribute => ((ReadOnlyMemory<byte>)attribute.Name.Bytes.ToArray(), attribute.Value))],
            });
        }
        catch (FormatException e)
        {
            throw new DiskUnsupportedException($"inode {status.Ino}", e.Message.TrimEnd('.'));
        }
    }

    /// <summary>None of a file system whose attributes are not read.</summary>
    private static IReadOnlyList<ExtendedAttribute> ExtendedOf(IInode inode)
    {
        try
        {
            return inode.ReadExtendedAttributes();
        }
        catch (DiskUnsupportedException)
        {
            return [];
        }
    }

    private static byte[] Bytes(string path) => Encoding.Latin1.GetBytes(path);

    private static string ParentOf(string path) => path[..Math.Max(0, path.LastIndexOf('/'))];

    /// <summary>A name at the destination. Several may be of one file.</summary>
    private sealed class Name(KnownFile file)
    {
        public KnownFile File { get; set; } = file;

        /// <summary>The last pass that came to it.</summary>
        public int Seen { get; set; }
    }

    /// <summary>A file as the destination has it.</summary>
    private sealed class KnownFile(FileType type)
    {
        public FileType Type => type;

        /// <summary>Hash of its encoded attributes.</summary>
        public UInt128 Attributes { get; set; }

        /// <summary>Of what is no regular file: hash of a link's target, a device's numbers.</summary>
        public UInt128 Content { get; init; }

        public long Size { get; set; }

        /// <summary>Hashes; null where there was no room for them.</summary>
        public UInt128[]? Blocks { get; set; }

        /// <summary>The last pass in which a file of the source was matched with it.</summary>
        public int Claimed { get; set; }
    }

    /// <summary>Blocks of a file that a first look does not settle.</summary>
    private sealed class Doubts(string path, KnownFile file, FileStatus status)
    {
        private readonly List<FileRange> _ranges = [];

        public string Path => path;

        public KnownFile File => file;

        public FileStatus Status => status;

        public IReadOnlyList<FileRange> Ranges => _ranges;

        /// <summary>Something of it was written again, by this look or one before that led astray: its times and rights must be put right.</summary>
        public bool WasWritten { get; set; }

        public void Add(long offset, long length)
        {
            if (_ranges.Count > 0 && _ranges[^1].End == offset) _ranges[^1] = _ranges[^1] with { Length = _ranges[^1].Length + length };
            else _ranges.Add(new FileRange(offset, length));
        }
    }

    /// <summary>What lasts for one pass.</summary>
    private sealed class Pass(VolumeChangesWriter changes, bool isStill, long readBytes, CancellationToken cancellationToken)
    {
        private long _left = readBytes;

        public VolumeChangesWriter Changes => changes;

        public bool IsStill => isStill;

        public CancellationToken CancellationToken => cancellationToken;

        /// <summary>Files that have other names, by their inodes, under the first name that was come to.</summary>
        public Dictionary<(ulong Dev, ulong Ino), (string Path, KnownFile File)> Links { get; } = [];

        /// <summary>Directories that are not as the destination has them, or change there, and with that their times.</summary>
        public HashSet<string> Touched { get; } = new(StringComparer.Ordinal);

        public List<Doubts> Doubts { get; } = [];

        /// <summary>A name in a directory is made or removed.</summary>
        public void Touch(string path) => Touched.Add(ParentOf(path));

        /// <exception cref="IOException">It is too much.</exception>
        public void Read(long bytes)
        {
            _left -= bytes;
            if (_left < 0) throw new IOException("the container's volumes are larger than what there is room for; make room, or set TMPDIR to where there is more");
        }
    }
}
