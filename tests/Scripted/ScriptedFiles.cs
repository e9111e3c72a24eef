using System.Text;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Scripted;

/// <summary>Files and a log that every container has: <c>/etc/hostname</c> with five bytes, <c>/etc/link</c> to it, a log of five entries; a message for each.</summary>
public sealed class ScriptedFiles : IContainerFiles
{
    private static readonly byte[] s_hostname = "web-1"u8.ToArray();

    /// <summary>A changed file, an added one with a name that would steer a terminal, a deleted one.</summary>
    public Task<ChangesPiece> ListChangesAsync(string vm, string container, int from, CancellationToken cancellationToken)
    {
        FileChangeDescription[] all =
        [
            new(FileChangeKind.Changed, [.. "/etc"u8]), new(FileChangeKind.Added, [.. "/etc/\u001b[31mred"u8]), new(FileChangeKind.Deleted, [.. "/etc/motd"u8]),
        ];
        return Task.FromResult(new ChangesPiece([all[from]], from == all.Length - 1));
    }

    public Task<DirectoryPiece> ListDirectoryAsync(string vm, string container, ReadOnlyMemory<byte> path, bool follow, ReadOnlyMemory<byte> after, CancellationToken cancellationToken)
    {
        FileDescription hostname = Describe("hostname", 0x81a4, s_hostname.Length), link = Describe("link", 0xa1ff, 8) with { Target = [.. "hostname"u8] };
        return Task.FromResult(Text(path) switch
        {
            "/etc" => after.IsEmpty ? new DirectoryPiece([Describe(".hidden", 0x41ed, 4096), hostname], IsLast: false) : new DirectoryPiece([link, Describe("\u001b[31mred", 0x2180, 0)], IsLast: true),
            "/etc/hostname" => new DirectoryPiece([hostname], IsLast: true),
            _ => throw Missing(container, path),
        });
    }

    /// <summary>In pieces of two bytes.</summary>
    public Task<FilePiece> ReadFileAsync(string vm, string container, ReadOnlyMemory<byte> path, long offset, CancellationToken cancellationToken)
    {
        if (Text(path) is not ("/etc/hostname" or "/etc/link")) throw Missing(container, path);
        byte[] piece = s_hostname[(int)offset..Math.Min((int)offset + 2, s_hostname.Length)];
        return Task.FromResult(new FilePiece([.. piece], new FileIdentity(0, 12, s_hostname.Length, 0, 0), offset + piece.Length == s_hostname.Length));
    }

    /// <summary>In pieces of 700 bytes: the directory, the file, the link, and names and links that lead out of it.</summary>
    public Task<ArchivePiece> ReadArchiveAsync(string vm, string container, ReadOnlyMemory<byte> path, Guid archive, int piece, CancellationToken cancellationToken)
    {
        const int PieceBytes = 700;
        byte[] all = Text(path) switch
        {
            "/etc" => ScriptedTar.OfDirectory(s_hostname),
            "/etc/hostname" => ScriptedTar.OfFile("hostname", s_hostname),
            "/hostile" => ScriptedTar.OfHostile(),
            _ => throw Missing(container, path),
        };
        int from = piece * PieceBytes, to = Math.Min(from + PieceBytes, all.Length);
        return Task.FromResult(new ArchivePiece([.. all[from..to]], piece == 0 ? ["etc/gone is left out"] : [], to == all.Length));
    }

    /// <summary>Five entries, two at a time; after them the container has ended.</summary>
    public Task<ContainerLogPiece> ReadLogAsync(string vm, string container, LogQuestion question, CancellationToken cancellationToken)
    {
        ContainerLogEntry[] all = [.. Enumerable.Range(1, 5).Select(number => new ContainerLogEntry(new LogMoment(number, (uint)number), number == 2, [.. Encoding.UTF8.GetBytes($"line {number}\n")]))];
        int from = question.From is { } place ? (int)place.Offset : question.Tail is { } tail ? Math.Max(0, all.Length - tail) : 0;
        int to = Math.Min(from + 2, all.Length);
        return Task.FromResult(new ContainerLogPiece(
            [.. all[from..to].Where(entry => question.Since is not { } since || entry.Time.Seconds >= since.Seconds)], new LogPlace(1, to), to == all.Length, IsRunning: from < all.Length, from == 0 ? 1 : 0, IsBehind: false));
    }

    private static FileDescription Describe(string name, ushort mode, long size) =>
        new([.. Encoding.UTF8.GetBytes(name)], mode, 1, 0, 999, size, mode == 0x2180 ? 5u : 0, mode == 0x2180 ? 1u : 0, DateTimeOffset.UnixEpoch, []);

    private static string Text(ReadOnlyMemory<byte> path) => Encoding.UTF8.GetString(path.Span);

    private static EngineException Missing(string container, ReadOnlyMemory<byte> path) => new(FailureKind.NotFound, $"{container}:{Text(path)}: no such file.");
}
