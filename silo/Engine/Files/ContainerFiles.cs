using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Watari.Containers;
using Watari.Containers.Logs;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Silo.Engine.Inventory;

namespace Watari.Silo.Engine.Files;

/// <inheritdoc cref="IContainerFiles"/>
/// <remarks>Each piece is a look of its own: nothing of the guest is held between two of them, and what it has changed meanwhile is seen.</remarks>
internal sealed class ContainerFiles(VmLooks looks, TimeProvider time) : IContainerFiles
{
    private const int MostFiles = 4096, MostPathBytes = 512 << 10, PieceBytes = 1 << 20, Attempts = 3;

    /// <summary>How long one piece may take: less than its caller's patience.</summary>
    private static readonly TimeSpan s_piece = TimeSpan.FromSeconds(20);

    private readonly OpenArchives _archives = new(time);

    public Task<DirectoryPiece> ListDirectoryAsync(
        string vm, string container, ReadOnlyMemory<byte> path, bool follow, ReadOnlyMemory<byte> after, CancellationToken cancellationToken) =>
        InRootAsync(vm, container, path, root =>
        {
            IInode found = root.Find(path.Span, follow);
            if (!found.Status.IsDirectory) return new DirectoryPiece([Describe(path, found)], IsLast: true);
            IEnumerable<DirectoryEntry> entries = after.IsEmpty ? found.Entries : found.Entries.Where(entry => entry.Name.Bytes.SequenceCompareTo(after.Span) > 0);
            ImmutableArray<FileDescription>.Builder files = ImmutableArray.CreateBuilder<FileDescription>();
            foreach (DirectoryEntry entry in entries.OrderBy(entry => entry.Name))
            {
                if (files.Count == MostFiles) return new DirectoryPiece(files.ToImmutable(), IsLast: false);
                // What goes away meanwhile is passed over.
                if (found.TryLookup(entry.Name.Bytes, out IInode file)) files.Add(Describe(entry.Name.Bytes.ToArray(), file));
            }

            return new DirectoryPiece(files.ToImmutable(), IsLast: true);
        }, cancellationToken);

    public Task<FilePiece> ReadFileAsync(string vm, string container, ReadOnlyMemory<byte> path, long offset, CancellationToken cancellationToken) =>
        InRootAsync(vm, container, path, root =>
        {
            IInode file = root.Find(path.Span);
            FileStatus status = file.Status;
            if (status.Type != FileType.Regular) throw new EngineException(FailureKind.Refused, $"{container}:{PathText.Of(path.Span)} is {Words(status.Type)}, not a regular file.");
            byte[] bytes = new byte[(int)Math.Clamp(status.Size - offset, 0, PieceBytes)];
            int count = file.ReadUpTo(offset, bytes);
            return new FilePiece(
                ImmutableCollectionsMarshal.AsImmutableArray(count == bytes.Length ? bytes : bytes[..count]),
                new FileIdentity(status.Dev, status.Ino, status.Size, status.Mtime.Seconds, status.Mtime.Nanoseconds),
                IsLast: count == 0 || offset + count >= status.Size);
        }, cancellationToken);

    public async Task<ArchivePiece> ReadArchiveAsync(string vm, string container, ReadOnlyMemory<byte> path, Guid archive, int piece, CancellationToken cancellationToken)
    {
        using OpenArchive open = _archives.Take(archive, piece, path);
        ArchivePiece made = await InRootAsync(vm, container, path, root =>
        {
            using var bytes = new MemoryStream();
            bool more = open.Archive.Write(root, bytes, PieceBytes);
            return new ArchivePiece(ImmutableCollectionsMarshal.AsImmutableArray(bytes.ToArray()), [.. open.Archive.TakeProblems()], IsLast: !more);
        }, cancellationToken);
        open.Give(made.IsLast);
        return made;
    }

    public Task<ChangesPiece> ListChangesAsync(string vm, string container, int from, CancellationToken cancellationToken) =>
        LookAsync(vm, container, default, (look, found) =>
        {
            if (look.LayersOf(found) is not { } layers) throw new ContainerStoreException("its root is no overlay of layers: what it has changed in it cannot be told");
            ImmutableArray<FileChangeDescription>.Builder changes = ImmutableArray.CreateBuilder<FileChangeDescription>();
            int bytes = 0;
            try
            {
                foreach (FileChange change in layers.ChangesAsToldBy(found.Runtime).Skip(from))
                {
                    if (changes.Count == MostFiles || bytes > MostPathBytes) return new ChangesPiece(changes.ToImmutable(), IsLast: false);
                    changes.Add(new FileChangeDescription((FileChangeKind)change.Kind, [(byte)'/', .. change.Path.Span]));
                    bytes += change.Path.Length;
                }
            }
            catch (DiskDeadlineException) when (changes.Count > 0)
            {
                return new ChangesPiece(changes.ToImmutable(), IsLast: false);
            }

            return new ChangesPiece(changes.ToImmutable(), IsLast: true);
        }, cancellationToken);

    public Task<ContainerLogPiece> ReadLogAsync(string vm, string container, LogQuestion question, CancellationToken cancellationToken) =>
        LookAsync(vm, container, default, (look, found) =>
        {
            // Before the log: what it has written until it ended is in there.
            bool isRunning = found.State is ContainerState.Running or ContainerState.Paused or ContainerState.Restarting or ContainerState.Stopping;
            var log = ContainerLog.Open(found, look.Files());
            LogPosition from = question.From is { } place ? new LogPosition(place.Inode, place.Offset) : question.Tail is { } tail ? log.Tail(tail) : default;
            LogPiece piece = log.Read(from, Moment(question.Since), Moment(question.Until));
            return new ContainerLogPiece(
                [.. piece.Entries.Select(entry => new ContainerLogEntry(new LogMoment(entry.Time.Seconds, entry.Time.Nanoseconds), entry.IsError, [.. entry.Text.Span]))],
                new LogPlace(piece.Next.Ino, piece.Next.Offset), piece.IsLast, isRunning, piece.Damaged, piece.IsBehind);
        }, cancellationToken);

    private Task<T> InRootAsync<T>(string vm, string container, ReadOnlyMemory<byte> path, Func<IInode, T> read, CancellationToken cancellationToken) =>
        LookAsync(vm, container, path, (look, found) => read(look.FilesOf(found).Root), cancellationToken);

    /// <summary>A look at the running guest may lead astray where it writes just then: it is taken again.</summary>
    private Task<T> LookAsync<T>(string vm, string container, ReadOnlyMemory<byte> path, Func<VmLook, FoundContainer, T> read, CancellationToken cancellationToken) =>
        looks.TakeAsync(vm, look =>
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    return read(look, Find(look, container));
                }
                catch (PathException e)
                {
                    throw new EngineException(e.Problem is PathProblem.NotFound or PathProblem.NotADirectory ? FailureKind.NotFound : FailureKind.Refused, $"{container}:{PathText.Of(path.Span)}: {e.Message}.", e);
                }
                catch (ContainerStoreException e)
                {
                    throw new EngineException(FailureKind.Refused, $"Container '{container}' in VM '{vm}': {e.Message}.", e);
                }
                catch (DiskStructureException) when (attempt < Attempts)
                {
                    // It tore, or is damaged: then it is so the next time, too.
                }
            }
        }, cancellationToken, s_piece);

    private static FoundContainer Find(VmLook look, string container)
    {
        ContainerInventory inventory = look.Inventory();
        return inventory.Containers.FirstOrDefault(found => found.Id == container)
            ?? throw new EngineException(
                FailureKind.NotFound,
                $"There is no container '{container}' in VM '{look.Id.Vm}'.{string.Concat(inventory.Unreadable.Take(1).Select(file => $" Not all could be read: {ShownText.Of(file.Path)} {ShownText.Of(file.Reason)}."))}");
    }

    private static FileDescription Describe(ReadOnlyMemory<byte> name, IInode file)
    {
        FileStatus status = file.Status;
        ReadOnlyMemory<byte> target = status.Type == FileType.SymbolicLink ? file.ReadLink() : default;
        return new FileDescription(
            [.. name.Span], status.Mode, status.Nlink, status.Uid, status.Gid, status.Size, status.Rdev.Major, status.Rdev.Minor, TimeOf(status.Mtime), [.. target.Span]);
    }

    /// <summary>A time that no calendar has is the nearest one that it has.</summary>
    private static DateTimeOffset TimeOf(FileTime time) => DateTimeOffset
        .FromUnixTimeSeconds(Math.Clamp(time.Seconds, DateTimeOffset.MinValue.ToUnixTimeSeconds(), DateTimeOffset.MaxValue.ToUnixTimeSeconds() - 1))
        .AddTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick);

    private static FileTime? Moment(LogMoment? moment) => moment is { } known ? new FileTime(known.Seconds, known.Nanoseconds) : null;

    private static string Words(FileType type) => type switch
    {
        FileType.Directory => "a directory",
        FileType.CharacterDevice or FileType.BlockDevice => "a device",
        FileType.Fifo => "a FIFO",
        FileType.Socket => "a socket",
        _ => "of an unknown type",
    };
}
