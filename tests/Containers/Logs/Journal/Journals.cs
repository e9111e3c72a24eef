using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Watari.Containers.Logs;
using Watari.Containers.Logs.Journal;

namespace Watari.Containers.Tests.Logs.Journal;

/// <summary>The journals of the test's data, and what is asked of them.</summary>
internal static class Journals
{
    public const string Folder = "/var/log/journal/11111111111111111111111111111111", Path = $"{Folder}/system.journal";

    private static readonly ConcurrentDictionary<string, IReadOnlyList<(string Path, byte[] Bytes)>> s_files = new(StringComparer.Ordinal);

    public static string[] Formats { get; } = ["compact", "compact-unkeyed", "regular", "unkeyed"];

    public static ContainerId A { get; } = IdOf('a');

    public static ContainerId B { get; } = IdOf('b');

    /// <summary>The files of archives, one over the other.</summary>
    public static FileTree Tree(params string[] archives)
    {
        var tree = new FileTree();
        foreach (string archive in archives)
        {
            foreach ((string path, byte[] bytes) in Files(archive)) tree.Add($"/{path}", bytes);
        }

        return tree;
    }

    /// <summary>Of one archive; the bytes are not to be changed.</summary>
    public static IReadOnlyList<(string Path, byte[] Bytes)> Files(string archive) => s_files.GetOrAdd(archive, Read);

    public static byte[] Format(string name) => Files("formats").Single(file => file.Path == $"{name}.journal").Bytes;

    public static FileTree Alone(byte[] journal) => new FileTree().Add(Path, journal);

    public static JournalLog Log(FileTree guest, ContainerId id, JournalWriter writer) => JournalLog.Open(writer, id, guest) ?? throw new InvalidOperationException();

    public static JournalLog Podman(FileTree guest) => Log(guest, A, JournalWriter.Podman);

    public static string Text(LogEntry entry) => Encoding.Latin1.GetString(entry.Text.Span).Replace('\n', '|');

    /// <summary>The numbers of the lines of a piece.</summary>
    public static string Numbers(LogPiece piece) => string.Join(' ', piece.Entries.Select(entry => Text(entry)[5..^1]));

    /// <summary>What journalctl has said of a container.</summary>
    public static IReadOnlyList<Said> SaidOf(char id)
    {
        using var reader = new StreamReader(new GZipStream(Data("journalctl.jsonl.gz"), CompressionMode.Decompress));
        List<Said> said = [];
        while (reader.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            JsonElement entry = json.RootElement;
            if (entry.GetProperty("ID").GetString() != id.ToString()) continue;
            JsonElement message = entry.GetProperty("MESSAGE");
            byte[] text = message.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(message.GetString()!) : [.. message.EnumerateArray().Select(item => item.GetByte())];
            said.Add(new Said(
                long.Parse(entry.GetProperty("__REALTIME_TIMESTAMP").GetString()!, CultureInfo.InvariantCulture),
                Encoding.Latin1.GetString(text).TrimEnd('\n') + (entry.TryGetProperty("CONTAINER_PARTIAL_MESSAGE", out _) ? "" : "|"),
                entry.GetProperty("PRIORITY").GetString() == "3",
                entry.GetProperty("_UID").GetString() == "0"));
        }

        return said;
    }

    private static List<(string Path, byte[] Bytes)> Read(string archive)
    {
        List<(string Path, byte[] Bytes)> files = [];
        using var reader = new TarReader(new GZipStream(Data($"{archive}.tgz"), CompressionMode.Decompress));
        while (reader.GetNextEntry() is { } entry)
        {
            if (entry.EntryType != TarEntryType.RegularFile) continue;
            byte[] bytes = new byte[entry.Length];
            entry.DataStream?.ReadExactly(bytes);
            files.Add((entry.Name, bytes));
        }

        return files;
    }

    private static FileStream Data(string name) => File.OpenRead(System.IO.Path.Combine(AppContext.BaseDirectory, "Data", "Journal", name));

    private static ContainerId IdOf(char letter) => ContainerId.TryParseFull(new string(letter, 64), out ContainerId id) ? id : throw new InvalidOperationException();

    /// <param name="Realtime">In microseconds since 1970.</param>
    /// <param name="Text">With | for its line feed.</param>
    internal sealed record Said(long Realtime, string Text, bool IsError, bool IsByRoot);
}
