using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Watari.Containers.Logs;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Logs;

public sealed class ContainerLogTests
{
    private const string Id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    [Theory]
    [InlineData("""{"log":"line\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}""", "2026-01-02T03:04:05 678901234 out line|")]
    [InlineData("""{"log":"part","stream":"stderr","attrs":{"a":"b"},"time":"2026-01-02T03:04:05Z"}""", "2026-01-02T03:04:05 0 err part")]
    [InlineData("""{"time":"2026-01-02T05:04:05.5+02:00","stream":"stdout","log":"\u001b[1mü\u0000\n"}""", "2026-01-02T03:04:05 500000000 out \u001b[1mü\0|")]
    public void Dockers_json_file_is_read(string line, string expected) => Assert.Equal(expected, Assert.Single(Texts(Log(LogFormat.JsonFile, line + "\n").Read(default))));

    [Theory]
    [InlineData("2026-01-02T03:04:05.678901234+00:00 stdout F a line", "2026-01-02T03:04:05 678901234 out a line|")]
    [InlineData("2026-01-02T03:04:05.678901234+00:00 stdout F ", "2026-01-02T03:04:05 678901234 out |")]
    public void Podmans_k8s_file_is_read(string line, string expected) => Assert.Equal(expected, Assert.Single(Texts(Log(LogFormat.K8sFile, line + "\n").Read(default))));

    [Fact]
    public void Pieces_of_a_line_are_put_together_as_podman_does()
    {
        const string a = "2026-01-02T03:04:05.1+00:00 stdout P a \n", b = "2026-01-02T03:04:05.2+00:00 stdout F b\n", c = "2026-01-02T03:04:05.3+00:00 stderr F c\n";

        Assert.Equal(["2026-01-02T03:04:05 200000000 out a b|", "2026-01-02T03:04:05 300000000 err c|", "2026-01-02T03:04:05 100000000 out a ", "2026-01-02T03:04:05 300000000 err c|", "2026-01-02T03:04:05 100000000 out a "], Texts(Log(LogFormat.K8sFile, a + b + c + a + c + a).Read(default)));
        ContainerLog log = Log(LogFormat.K8sFile, c + a + a + b + c);
        Assert.Equal(["a a b|", "c|"], Texts(log.Read(log.Tail(2))).Select(text => text[34..]));
        log = Log(LogFormat.K8sFile, c + a + b + c + a);
        Assert.Equal(["c|", "a "], Texts(log.Read(log.Tail(2))).Select(text => text[34..]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("no json")]
    [InlineData("""{"log":"x","stream":"stdout","time":"yesterday"}""")]
    [InlineData("""{"log":"\ud800","stream":"stdout","time":"2026-01-02T03:04:05Z"}""")]
    public void What_is_no_entry_is_passed_over_and_counted(string line)
    {
        LogPiece piece = Log(LogFormat.JsonFile, $"{line}\n{Json("next", 1)}").Read(default);

        Assert.Equal((1, 1, true), (piece.Entries.Count, piece.Damaged, piece.IsLast));
    }

    [Fact]
    public void A_line_without_an_end_is_passed_over_piece_by_piece()
    {
        ContainerLog log = Log(LogFormat.JsonFile, new string('x', 30 << 20) + "\n" + Json("after", 1));
        List<string> seen = [];
        int pieces = 1;
        LogPiece piece = log.Read(default);
        for (; !piece.IsLast; piece = log.Read(piece.Next), pieces++) seen.AddRange(Texts(piece));
        seen.AddRange(Texts(piece));

        Assert.EndsWith("after|", Assert.Single(seen), StringComparison.Ordinal);
        Assert.InRange(pieces, 3, 6);
    }

    [Fact]
    public void What_is_not_written_whole_is_read_when_it_is()
    {
        string whole = Json("first", 1) + Json("second", 2);
        string now = whole[..^20];
        FileTree tree = new FileTree().Add("/log", () => Encoding.UTF8.GetBytes(now));
        LogPiece first = ContainerLog.Open(LogFormat.JsonFile, tree, "/log").Read(default);
        now = whole;
        LogPiece second = ContainerLog.Open(LogFormat.JsonFile, tree, "/log").Read(first.Next);

        Assert.Equal((1, 1, 0), (first.Entries.Count, second.Entries.Count, first.Damaged + second.Damaged));
        Assert.True(first.IsLast);
    }

    [Fact]
    public void A_log_is_followed_into_the_file_that_was_begun_after_it()
    {
        FileTree tree = new FileTree { ["/log"] = Json("a", 1) + Json("b", 2) };
        LogPiece before = ContainerLog.Open(LogFormat.JsonFile, tree, "/log").Read(default);
        Rotate(tree, "/log", Json("c", 3));
        LogPiece after = ContainerLog.Open(LogFormat.JsonFile, tree, "/log").Read(before.Next);
        Rotate(tree, "/log", Json("d", 4));
        tree.Remove("/log.2");
        LogPiece behind = ContainerLog.Open(LogFormat.JsonFile, tree, "/log").Read(before.Next);

        Assert.Equal(["c|"], Texts(after).Select(text => text[^2..]));
        Assert.False(after.IsBehind);
        Assert.Equal(["c|", "d|"], Texts(behind).Select(text => text[^2..]));
        Assert.True(behind.IsBehind);
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "5")]
    [InlineData(2, "45")]
    [InlineData(3, "345")]
    [InlineData(4, "2345")]
    [InlineData(5, "12345")]
    [InlineData(9, "12345")]
    public void The_last_entries_are_found_from_the_end_on_over_all_files(int count, string expected)
    {
        FileTree lines = new FileTree { ["/log"] = Json("4", 4) + Json("5", 5) + "{\"log\":", ["/log.1"] = Json("3", 3) }.Add("/log.2.gz", Packed(Json("1", 1) + Json("2", 2)));
        FileTree records = new FileTree().Add("/log", [.. Record("4", false), .. Record("5", false)]).Add("/log.1", Record("3", false)).Add("/log.2.gz", Packed([.. Record("1", false), .. Record("2", false)]));

        foreach (ContainerLog log in (ContainerLog[])[ContainerLog.Open(LogFormat.JsonFile, lines, "/log"), ContainerLog.Open(LogFormat.Local, records, "/log")])
            Assert.Equal(expected, string.Concat(log.Read(log.Tail(count)).Entries.Select(entry => Encoding.UTF8.GetString(entry.Text.Span).TrimEnd('\n'))));
    }

    [Fact]
    public void Of_a_compressed_file_that_is_too_large_what_is_unpacked_is_read_and_the_rest_told()
    {
        FileTree tree = new FileTree { ["/log"] = Json("2", 2) }.Add("/log.1.gz", Packed(Json("1", 1) + new string('x', 70 << 20) + "\n" + Json("cut", 1)));
        ContainerLog log = ContainerLog.Open(LogFormat.JsonFile, tree, "/log");
        List<string> seen = [];
        int damaged = 0;
        LogPosition at = default;
        for (bool isLast = false; !isLast;)
        {
            LogPiece piece = log.Read(at);
            (at, isLast) = (piece.Next, piece.IsLast);
            damaged += piece.Damaged;
            seen.AddRange(Texts(piece).Select(text => text[^2..]));
        }

        Assert.Equal(["1|", "2|"], seen);
        Assert.True(damaged > 0);
    }

    [Fact]
    public void Of_many_large_compressed_files_a_tail_unpacks_no_more_than_a_bound_and_tells_that_it_is_short()
    {
        byte[] large = Packed(new string('x', 65 << 20));
        FileTree tree = new() { ["/log"] = Json("last", 2) };
        for (int number = 1; number < 9; number++) tree.Add($"/log.{number}.gz", large);
        ContainerLog log = ContainerLog.Open(LogFormat.JsonFile, tree, "/log");

        LogPosition from = log.Tail(100);

        Assert.NotEqual(default, from);
        Assert.True(log.Read(from).IsBehind);
    }

    [Fact]
    public void Only_entries_of_the_time_that_is_asked_for_are_read()
    {
        ContainerLog log = Log(LogFormat.JsonFile, string.Concat(Enumerable.Range(1, 5).Select(number => Json($"{number}", number))));

        Assert.Equal(["2|", "3|"], Texts(log.Read(default, new FileTime(2, 0), new FileTime(3, 0))).Select(text => text[^2..]));
    }

    [Fact]
    public void Dockers_local_records_are_read_and_damaged_ones_told()
    {
        byte[] broken = Record("broken", false);
        broken[4] = 0xff;
        FileTree tree = new FileTree().Add("/log", [.. Record("one", false), .. broken, .. Record("part", true), .. Record("cut", false)[..^3]]);

        LogPiece piece = ContainerLog.Open(LogFormat.Local, tree, "/log").Read(default);

        Assert.Equal(["1970-01-01T00:00:01 5 err one|", "1970-01-01T00:00:01 5 err part"], Texts(piece));
        Assert.Equal((1, true), (piece.Damaged, piece.IsLast));
    }

    [Fact]
    public void A_length_that_is_a_lie_ends_the_file()
    {
        FileTree tree = new FileTree().Add("/log", [0xff, 0xff, 0xff, 0xff, .. Record("hidden", false)]);

        LogPiece piece = ContainerLog.Open(LogFormat.Local, tree, "/log").Read(default);

        Assert.Equal((0, 1, true), (piece.Entries.Count, piece.Damaged, piece.IsLast));
        Assert.Equal(default, ContainerLog.Open(LogFormat.Local, new FileTree().Add("/log", [9, 9, 9, 9, 9, 9, 9, 9]), "/log").Tail(3));
    }

    [Theory]
    [InlineData("journald", "neither in /var/log/journal nor in /run/log/journal")]
    [InlineData("none", "keeps no log")]
    [InlineData("syslog", "driver syslog")]
    public void Where_no_log_is_read_that_is_said_with_what_to_do(string driver, string says)
    {
        Assert.True(ContainerId.TryParseFull(Id, out ContainerId id));
        var container = new FoundContainer
        {
            Id = Id,
            Record = new ContainerRecord { Id = id, Runtime = ContainerRuntime.Podman, LogDriver = driver },
            Live = null,
            Runtime = ContainerRuntime.Podman,
            State = ContainerState.Exited,
            RootPid = null,
        };

        Assert.Contains(says, Assert.Throws<ContainerStoreException>(() => ContainerLog.Open(container, new FileTree())).Message, StringComparison.Ordinal);
    }

    private static ContainerLog Log(LogFormat format, string text) => ContainerLog.Open(format, new FileTree { ["/log"] = text }, "/log");

    private static IReadOnlyList<string> Texts(LogPiece piece) =>
    [
        .. piece.Entries.Select(entry => string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTimeOffset.FromUnixTimeSeconds(entry.Time.Seconds):yyyy-MM-ddTHH:mm:ss} {entry.Time.Nanoseconds} {(entry.IsError ? "err" : "out")} {Encoding.UTF8.GetString(entry.Text.Span).Replace('\n', '|')}")),
    ];

    private static string Json(string text, int second) => $$"""{"log":"{{text}}\n","stream":"stdout","time":"1970-01-01T00:00:0{{second}}Z"}""" + "\n";

    private static byte[] Record(string text, bool isPartial)
    {
        using var entry = new MemoryStream();
        var output = new CodedOutputStream(entry);
        output.WriteTag(1, WireFormat.WireType.LengthDelimited);
        output.WriteString("stderr");
        output.WriteTag(2, WireFormat.WireType.Varint);
        output.WriteInt64(1_000_000_005);
        output.WriteTag(3, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFromUtf8(text));
        if (isPartial)
        {
            output.WriteTag(4, WireFormat.WireType.Varint);
            output.WriteBool(true);
        }

        output.Flush();
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, (int)entry.Length);
        return [.. length, .. entry.ToArray(), .. length];
    }

    private static byte[] Packed(string text) => Packed(Encoding.UTF8.GetBytes(text));

    private static byte[] Packed(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    /// <summary>As an engine does: the file gets another name, and a new one its name.</summary>
    private static void Rotate(FileTree tree, string path, string text)
    {
        for (int number = 1; number >= 0; number--)
        {
            string from = number == 0 ? path : $"{path}.{number}";
            if (tree.Root.TryFind(Encoding.UTF8.GetBytes(from), out _)) tree.Move(from, $"{path}.{number + 1}");
        }

        tree[path] = text;
    }
}
