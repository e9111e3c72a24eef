using System.Globalization;
using System.Text;
using Watari.Containers.Logs;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Logs.Journal;

/// <summary>Journals that systemd has written: 300 lines of a container in two files, every seventh by its standard error, and what is odd behind them (Data/README.md).</summary>
public sealed class JournalLogTests
{
    private const string Machine = "/var/log/journal/0123456789abcdef0123456789abcdef";
    private const long Begin = 1767323045; // seconds

    private static readonly string s_web = new('a', 64), s_other = new('b', 64), s_silent = new('c', 64);

    public static TheoryData<string> Kinds => ["compact", "keyed", "jenkins"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_a_container_has_written_is_found_among_all_that_is_in_the_journal(string kind)
    {
        FileTree tree = Tree(kind);
        LogPiece web = Log(tree, s_web).Read(default), other = Log(tree, s_other).Read(default), silent = Log(tree, s_silent).Read(default);

        Assert.Equal((305, true, false), (web.Entries.Count, web.IsLast, web.IsBehind));
        Assert.Equal(Enumerable.Range(0, 300).Select(i => (Begin + i, 1000U, i % 7 == 0, $"line {i}\n")), web.Entries.Take(300).Select(entry => (entry.Time.Seconds, entry.Time.Nanoseconds, entry.IsError, Text(entry))));
        Assert.Equal(Enumerable.Range(0, 150).Select(i => $"other {(2 * i) + 1}\n"), other.Entries.Select(Text));
        Assert.Empty(silent.Entries);
        Assert.Equal((0, true), (silent.Damaged, silent.IsLast));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Long_binary_and_broken_lines_are_as_they_were_written_and_an_entry_without_text_is_counted(string kind)
    {
        LogPiece piece = Log(Tree(kind), s_web).Read(default);

        Assert.Equal([new string('x', 4000) + "end\n", "one piece and ", "the rest\n", "\u001b[1mbold\0", "by docker\n"], piece.Entries.Skip(300).Select(entry => Text(entry) is ['\u001b', ..] binary ? binary[..9] : Text(entry)));
        Assert.Equal([.. "\u001b[1mbold\0"u8, 0xff, .. "\n twice\n"u8], piece.Entries[303].Text.ToArray());
        Assert.Equal((Begin + 600, 123456789U), (piece.Entries[304].Time.Seconds, piece.Entries[304].Time.Nanoseconds)); // by Docker's clock, to the nanosecond
        Assert.Equal(1, piece.Damaged);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)] // the entry without text
    [InlineData(6, 5)]
    [InlineData(156, 155)] // all of the newer file
    [InlineData(157, 156)]
    [InlineData(5000, 305)]
    public void The_last_entries_are_found_across_files(int count, int expected)
    {
        ContainerLog log = Log(Tree("compact"), s_web);

        LogPiece piece = log.Read(log.Tail(count));

        Assert.Equal(expected, piece.Entries.Count);
        Assert.Equal(log.Read(default).Entries.Skip(305 - expected).Select(Text), piece.Entries.Select(Text));
    }

    [Fact]
    public void Only_what_was_written_in_a_time_is_told_where_a_time_is_given()
    {
        LogPiece piece = Log(Tree("compact"), s_web).Read(default, new FileTime(Begin + 10, 0), new FileTime(Begin + 12, 1000));

        Assert.Equal(["line 10\n", "line 11\n", "line 12\n"], piece.Entries.Select(Text));
    }

    [Fact]
    public void It_is_read_on_in_the_next_file_when_the_journal_begins_one()
    {
        FileTree whole = Tree("compact"), tree = new();
        tree.Add($"{Machine}/system.journal", Bytes(whole, "system@0-1.journal"));
        LogPiece before = Log(tree, s_web).Read(default);

        tree.Move($"{Machine}/system.journal", $"{Machine}/system@0-1.journal");
        tree.Add($"{Machine}/system.journal", Bytes(whole, "system.journal"));
        LogPiece after = Log(tree, s_web).Read(before.Next);

        Assert.Equal((150, "line 149\n"), (before.Entries.Count, Text(before.Entries[^1])));
        Assert.Equal((155, "line 150\n", false), (after.Entries.Count, Text(after.Entries[0]), after.IsBehind));
        Assert.Empty(Log(tree, s_web).Read(after.Next).Entries);
    }

    [Fact]
    public void Where_the_file_is_gone_in_which_it_is_to_be_read_on_that_is_told()
    {
        FileTree tree = Tree("compact");
        ContainerLog log = Log(tree, s_web);
        LogPosition early = log.Tail(300);
        tree.Remove($"{Machine}/system@0-1.journal");

        LogPiece piece = Log(tree, s_web).Read(early);

        Assert.Equal((true, "line 150\n"), (piece.IsBehind, Text(piece.Entries[0])));
    }

    [Fact]
    public void A_guest_without_a_journal_is_told_of()
    {
        Assert.Contains("there is none in /var/log/journal or /run/log/journal", Assert.Throws<ContainerStoreException>(() => Log(new FileTree(), s_web)).Message, StringComparison.Ordinal);
        Assert.Throws<ContainerStoreException>(() => Log(new FileTree { [$"{Machine}/system.journal"] = "no journal" }, s_web));
    }

    [Fact]
    public void A_journal_of_a_kind_that_is_not_known_yet_is_refused()
    {
        FileTree tree = Tree("compact");
        byte[] bytes = Bytes(tree, "system.journal");
        bytes[12] |= 0x40;

        Assert.Contains("0x40", Assert.Throws<DiskUnsupportedException>(() => Log(new FileTree().Add($"{Machine}/system.journal", bytes), s_web)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_journal_that_was_cut_off_gives_what_is_left_of_it()
    {
        byte[] bytes = Bytes(Tree("compact"), "system@0-1.journal");
        for (int length = 208; length < 600_000; length += 24_999)
        {
            ContainerLog log = Log(new FileTree().Add($"{Machine}/system.journal", bytes[..length]), s_web);

            Assert.True(Try(() => log.Read(default)) is not { Damaged: 0, Entries.Count: < 150 }, $"what is missing behind {length} bytes is not told");
        }
    }

    [Fact]
    public void A_journal_that_a_guest_has_spoilt_ends_in_entries_or_an_error_and_never_in_a_circle()
    {
        byte[] sound = Bytes(Tree("keyed"), "system.journal");
        int used = sound.AsSpan().LastIndexOfAnyExcept((byte)0);
        var random = new Random(1);
        long[] values = [0, -1, 8, 208, 0x7fff_ffff_ffff_fff8, used & ~7];
        for (int run = 0; run < 1000; run++)
        {
            byte[] bytes = sound.AsSpan(0, used + 1).ToArray();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                // In the header, or anywhere behind the hash tables.
                int at = random.Next(4) == 0 ? random.Next(26) * 8 : random.Next(280_000, used - 8) & ~7;
                BitConverter.TryWriteBytes(bytes.AsSpan(at), random.Next(2) == 0 ? values[random.Next(values.Length)] : random.Next(280_000, used) & ~7);
            }

            Try(() =>
            {
                ContainerLog log = Log(new FileTree().Add($"{Machine}/system.journal", bytes), s_web);
                LogPiece piece = log.Read(log.Tail(20));
                for (int pieces = 0; !piece.IsLast; pieces++)
                {
                    Assert.True(pieces < 100, "it goes in circles");
                    piece = log.Read(piece.Next);
                }

                return piece;
            });
        }
    }

    [Fact]
    public void Entries_that_lead_in_a_circle_are_read_once()
    {
        byte[] bytes = Bytes(Tree("keyed"), "system@0-1.journal");
        int data = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"CONTAINER_ID_FULL={s_web}")) - 64;
        int array = (int)BitConverter.ToInt64(bytes, data + 48), first = (int)BitConverter.ToInt64(bytes, data + 40);
        for (int item = 1; item < 4; item++) BitConverter.TryWriteBytes(bytes.AsSpan(array + 24 + (8 * item)), (long)first);

        LogPiece piece = Log(new FileTree().Add($"{Machine}/system.journal", bytes), s_web).Read(default);

        Assert.Equal((2, 1, true), (piece.Entries.Count, piece.Damaged, piece.IsLast));
    }

    private static LogPiece? Try(Func<LogPiece> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is DiskException or ContainerStoreException)
        {
            return null;
        }
    }

    private static FileTree Tree(string kind) => FileTree.FromArchive(string.Create(CultureInfo.InvariantCulture, $"journal-252-{kind}.tgz"), "/var/log/journal");

    private static byte[] Bytes(FileTree tree, string name)
    {
        Assert.True(tree.Root.TryFind(Encoding.UTF8.GetBytes($"{Machine}/{name}"), out IInode? file));
        return file.ReadAll(16 << 20);
    }

    private static string Text(LogEntry entry) => Encoding.UTF8.GetString(entry.Text.Span);

    private static ContainerLog Log(FileTree tree, string container)
    {
        Assert.True(ContainerId.TryParseFull(container, out ContainerId id));
        return ContainerLog.Open(
            new FoundContainer
            {
                Id = container,
                Record = new ContainerRecord { Id = id, Runtime = ContainerRuntime.Podman, LogDriver = "journald" },
                Live = null,
                Runtime = ContainerRuntime.Podman,
                State = ContainerState.Running,
                RootPid = null,
            },
            tree);
    }
}
