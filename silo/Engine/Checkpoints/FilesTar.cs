using Watari.Containers;
using Watari.Containers.Archives;
using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>
/// Files of a guest in a tar, byte by byte as they are, or none: what a container is ended for must not have holes. A guest puts on its disk
/// what is only in its memory, and makes room there, while it is read; to a look that knows the disk from before, that is a hole. No look can
/// tell it from a true one. So what was read as zeroes is read again in a second look, which begins when the first has ended.
/// <code>
/// var tar = new FilesTar(part);
/// foreach (TreeFile file in root.Tree()) tar.Add(file.Path, file.Inode);
/// tar.End();
/// tar.Settle(() => Files().Root);
/// </code>
/// </summary>
/// <param name="part">Gets the tar; it can be read and sought in.</param>
internal sealed class FilesTar(Stream part)
{
    private const int Attempts = 3;

    private readonly PaxArchive _archive = new(part);
    private readonly List<ReadFile> _read = [];

    /// <summary>Comes to each thing once. A look at the running guest leads astray where it writes just then: another goes on behind what is done.</summary>
    /// <exception cref="DiskException">It does so each time, or something cannot be read.</exception>
    public static void ForEach<T>(Func<IEnumerable<T>> look, Action<T> act)
    {
        int done = 0;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                foreach (T thing in look().Skip(done))
                {
                    act(thing);
                    done++;
                }

                return;
            }
            catch (DiskStructureException) when (attempt < Attempts)
            {
                // It tore, or is damaged: then it is so the next time, too.
            }
        }
    }

    /// <param name="path">From the root on, which is empty.</param>
    /// <exception cref="DiskException">It cannot be read. Of a <see cref="DiskStructureException"/> nothing was written: it may be added again.</exception>
    public void Add(ReadOnlyMemory<byte> path, IInode inode)
    {
        var file = new ReadFile(path, inode, part);
        _archive.Add(path.IsEmpty ? "."u8 : path.Span, file);
        file.Let();
        if (file.Status.Type == FileType.Regular) _read.Add(file);
    }

    public void End() => _archive.End();

    /// <summary>Reads again what cannot be believed of a single look.</summary>
    /// <param name="look">Gives the root that the paths lead from, in a look that begins now.</param>
    /// <exception cref="DiskException">A file cannot be read, or is another than it was.</exception>
    public void Settle(Func<IInode> look) => ForEach(
        () =>
        {
            IInode root = look();
            return _read.Select(file => (file, root));
        },
        reading => reading.file.Settle(reading.file.Path.IsEmpty ? reading.root : reading.root.Find(reading.file.Path.Span, followLast: false)));

    /// <summary>A file as the first look has it.</summary>
    private sealed class ReadFile : IInode
    {
        private const int BlockSize = 1024; // the smallest of ext4: a page may be on the disk in part

        private readonly Stream _part;
        private readonly ReadOnlyMemory<byte> _target;
        private readonly IReadOnlyList<ExtendedAttribute> _attributes;
        private readonly List<FileRange> _doubted = [];
        private IInode? _file;
        private long _start; // of the contents in the part

        public ReadFile(ReadOnlyMemory<byte> path, IInode file, Stream part)
        {
            // All at once: what fails, fails before any of it is written.
            Path = path;
            Status = file.Status;
            _target = Status.Type == FileType.SymbolicLink ? file.ReadLink() : default;
            _attributes = AttributesOf(file);
            _file = file;
            _part = part;
        }

        public ReadOnlyMemory<byte> Path { get; }

        public FileStatus Status { get; }

        public IEnumerable<DirectoryEntry> Entries => throw new NotSupportedException();

        public IInode Open(in DirectoryEntry entry) => throw new NotSupportedException();

        public bool TryLookup(ReadOnlySpan<byte> name, out IInode inode) => throw new NotSupportedException();

        public bool TryFindData(long offset, out FileRange data) => throw new NotSupportedException();

        public ReadOnlyMemory<byte> ReadLink() => _target;

        public IReadOnlyList<ExtendedAttribute> ReadExtendedAttributes() => _attributes;

        public int Read(long offset, Span<byte> destination)
        {
            if (offset == 0) _start = _part.Position;
            int count = 0;
            try
            {
                while (count < destination.Length && _file!.Read(offset + count, destination[count..]) is > 0 and int more) count += more;
            }
            catch (DiskStructureException)
            {
                // The second look may have it.
            }

            destination[count..].Clear();
            if (count < destination.Length || HasZeroes(destination)) Doubt(new FileRange(offset, destination.Length));
            return destination.Length;
        }

        /// <summary>The first look is over.</summary>
        public void Let() => _file = null;

        /// <param name="file">The same in the second look.</param>
        public void Settle(IInode file)
        {
            FileStatus now = file.Status;
            if ((now.Ino, now.Type, now.Size) != (Status.Ino, Status.Type, Status.Size)) throw Changed();
            byte[] again = new byte[64 << 10], before = new byte[again.Length];
            foreach (FileRange range in _doubted)
            {
                for (long offset = range.Offset; offset < range.End;)
                {
                    int length = (int)Math.Min(again.Length, range.End - offset);
                    for (int count = 0; count < length;)
                    {
                        int more = file.Read(offset + count, again.AsSpan(count, length - count));
                        count += more > 0 ? more : throw Changed();
                    }

                    _part.Position = _start + offset;
                    _part.ReadExactly(before, 0, length);
                    if (!again.AsSpan(0, length).SequenceEqual(before.AsSpan(0, length)))
                    {
                        _part.Position = _start + offset;
                        _part.Write(again, 0, length);
                    }

                    offset += length;
                }
            }
        }

        private void Doubt(FileRange range)
        {
            if (_doubted.Count > 0 && _doubted[^1].End == range.Offset) _doubted[^1] = _doubted[^1] with { Length = _doubted[^1].Length + range.Length };
            else _doubted.Add(range);
        }

        private static bool HasZeroes(ReadOnlySpan<byte> bytes)
        {
            for (int block = 0; block < bytes.Length; block += BlockSize)
            {
                if (!bytes[block..Math.Min(bytes.Length, block + BlockSize)].ContainsAnyExcept((byte)0)) return true;
            }

            return false;
        }

        /// <summary>None of a file system whose attributes are not read.</summary>
        private static IReadOnlyList<ExtendedAttribute> AttributesOf(IInode file)
        {
            try
            {
                return file.ReadExtendedAttributes();
            }
            catch (DiskUnsupportedException)
            {
                return [];
            }
        }

        private DiskStructureException Changed() => new($"file {PathText.Of(Path.Span)}", "another than it was when it was read first");
    }
}
