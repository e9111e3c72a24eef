using Watari.Containers.Logs;
using Watari.Containers.Logs.Journal;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;

namespace Watari.Containers.Tests.Logs.Journal;

public sealed class JournalLogTests
{
    private const long Start = 1_767_323_045_000_000; // of the times in the formats, in microseconds

    public static TheoryData<string> Formats { get; } = [.. Journals.Formats];

    [Theory]
    [MemberData(nameof(Formats))]
    public void What_podman_has_logged_is_read_as_journalctl_tells_it(string format)
    {
        LogPiece piece = Journals.Podman(Journals.Alone(Journals.Format(format))).Read(default);

        Assert.Equal(Journals.SaidOf('a').Where(said => said.IsByRoot).Select(said => (said.Realtime, said.Text, said.IsError)), piece.Entries.Select(Shown));
        Assert.Equal((true, 0, false), (piece.IsLast, piece.Damaged, piece.IsBehind));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void What_Docker_has_logged_is_read_as_journalctl_tells_it(string format)
    {
        LogPiece piece = Journals.Log(Journals.Alone(Journals.Format(format)), Journals.B, JournalWriter.Docker).Read(default);

        Assert.Equal(Journals.SaidOf('b').Select(said => (said.Realtime, said.Text, said.IsError)), piece.Entries.Select(Shown));
        Assert.Equal((true, 0, false), (piece.IsLast, piece.Damaged, piece.IsBehind));
    }

    [Fact]
    public void Pieces_of_a_line_have_no_line_feed_but_for_the_last()
    {
        string[] texts = [.. Journals.Podman(Journals.Alone(Journals.Format("compact"))).Read(default).Entries.Select(Journals.Text)];

        Assert.Equal(["part ", "and its end|", "\u001b[1mbold\0\u00ff\u00fe|", "|"], texts[150..154]);
    }

    [Fact]
    public void Who_is_not_root_writes_no_log_of_podmans()
    {
        FileTree tree = Journals.Alone(Journals.Format("regular"));

        Assert.DoesNotContain("by another user|", Journals.Podman(tree).Read(default).Entries.Select(Journals.Text));
        Assert.Contains("by another user|", Journals.Log(tree, Journals.A, JournalWriter.Docker).Read(default).Entries.Select(Journals.Text));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(1000)]
    public void Of_podmans_lines_the_last_are_found_with_all_their_pieces(int count)
    {
        JournalLog log = Journals.Podman(Journals.Alone(Journals.Format("compact")));
        string whole = string.Concat(log.Read(default).Entries.Select(Journals.Text));
        string[] lines = whole.Split('|')[..^1];

        string last = string.Concat(log.Read(log.Tail(count)).Entries.Select(Journals.Text));

        Assert.Equal(lines[^Math.Min(lines.Length, count)..], last.Split('|')[..^1]);
    }

    [Fact]
    public void Of_Dockers_entries_the_last_are_found_piece_by_piece()
    {
        JournalLog log = Journals.Log(Journals.Alone(Journals.Format("compact")), Journals.B, JournalWriter.Docker);

        Assert.Equal([100 + 1], log.Read(log.Tail(1)).Entries.Select(entry => entry.Text.Length));
        Assert.Equal([7 + 1, 16384, 100 + 1], log.Read(log.Tail(3)).Entries.Select(entry => entry.Text.Length));
    }

    [Fact]
    public void A_long_log_comes_in_pieces()
    {
        JournalLog log = Journals.Log(Journals.Tree("large").Move("/large.journal", Journals.Path), Journals.B, JournalWriter.Docker);
        LogPiece first = log.Read(default), second = log.Read(first.Next);

        Assert.Equal((32, false, 8, true), (first.Entries.Count, first.IsLast, second.Entries.Count, second.IsLast));
        Assert.Equal(Enumerable.Range(0, 40).Select(number => $"{number:00000000}"), first.Entries.Concat(second.Entries).Select(entry => Journals.Text(entry)[..8]));
    }

    [Fact]
    public void Only_entries_of_the_time_that_is_asked_for_are_read()
    {
        JournalLog log = Journals.Podman(Journals.Alone(Journals.Format("compact")));
        long[] all = [.. log.Read(default).Entries.Select(entry => Shown(entry).Realtime)];

        Assert.Equal(all[10..21], log.Read(default, Moment(all[10]), Moment(all[20])).Entries.Select(entry => Shown(entry).Realtime));
        Assert.Equal(all[11..20], log.Read(default, Moment(all[11] - 1), Moment(all[19] + 1)).Entries.Select(entry => Shown(entry).Realtime));
        Assert.Equal(all[^1..], log.Read(log.Tail(30), Moment(all[^1])).Entries.Select(entry => Shown(entry).Realtime));
        Assert.Empty(log.Read(default, Moment(all[^1] + 1)).Entries);
        Assert.Empty(log.Read(default, until: Moment(Start)).Entries);
    }

    [Fact]
    public void A_log_is_followed_from_run_to_var_and_into_the_files_that_are_begun_after()
    {
        LogPosition at = default;
        List<string> seen = [];
        foreach (string state in (string[])["volatile", "flushed", "kept", "rotated", "again"])
        {
            LogPiece piece = Journals.Podman(Journals.Tree(state)).Read(at);
            at = piece.Next;
            seen.Add(Journals.Numbers(piece));
            Assert.Equal((true, 0, false), (piece.IsLast, piece.Damaged, piece.IsBehind));
        }

        Assert.Equal(["0 1 2 3 4", "", "5 6 7 8 9", "10 11 12 13 14", "15 16 17 18 19"], seen);
    }

    [Fact]
    public void While_the_journal_moves_each_entry_is_told_once()
    {
        FileTree tree = Journals.Tree("volatile", "flushed");
        JournalLog log = Journals.Podman(tree);
        LogPiece piece = log.Read(default);

        Assert.Equal("0 1 2 3 4", Journals.Numbers(piece));
        Assert.Equal("2 3 4", Journals.Numbers(log.Read(log.Tail(3))));
        LogPiece nothing = Journals.Podman(tree).Read(Journals.Podman(Journals.Tree("volatile")).Read(default).Next);
        Assert.Equal((0, true, false), (nothing.Entries.Count, nothing.IsLast, nothing.IsBehind));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(3, "17 18 19")]
    [InlineData(12, "8 9 10 11 12 13 14 15 16 17 18 19")]
    [InlineData(20, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19")]
    [InlineData(50, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19")]
    public void The_last_entries_are_found_over_all_files(int count, string expected)
    {
        JournalLog log = Journals.Podman(Journals.Tree("again"));

        Assert.Equal(expected, Journals.Numbers(log.Read(log.Tail(count))));
    }

    [Fact]
    public void Where_the_file_of_a_place_is_gone_that_is_told_and_read_on_with_what_is_younger()
    {
        LogPosition at = Journals.Podman(Journals.Tree("kept")).Read(default).Next;
        FileTree tree = Journals.Tree("again");
        foreach ((string path, _) in Journals.Files("again").Where(file => file.Path.Contains("-0000000000000001-", StringComparison.Ordinal))) tree.Remove($"/{path}");

        LogPiece behind = Journals.Podman(tree).Read(at), then = Journals.Podman(tree).Read(behind.Next);

        Assert.Equal(("10 11 12 13 14 15 16 17 18 19", true), (Journals.Numbers(behind), behind.IsBehind));
        Assert.Equal((0, false), (then.Entries.Count, then.IsBehind));
    }

    [Fact]
    public void That_entries_are_missing_is_told_once_where_nothing_follows()
    {
        LogPosition at = Journals.Podman(Journals.Tree("again")).Read(default).Next;
        FileTree older = Journals.Tree("volatile");

        LogPiece behind = Journals.Podman(older).Read(at), then = Journals.Podman(older).Read(behind.Next);

        Assert.Equal((0, true, 0, false), (behind.Entries.Count, behind.IsBehind, then.Entries.Count, then.IsBehind));
        Assert.Equal(default, Journals.Log(older, Journals.B, JournalWriter.Docker).Read(at).Next);
    }

    [Fact]
    public void A_file_that_was_not_closed_is_read_and_those_of_users_and_others_are_not()
    {
        FileTree tree = Journals.Tree("kept").Move(Journals.Path, $"{Journals.Folder}/system@0006619320000000-0123456789abcdef.journal~");

        Assert.Equal("0 1 2 3 4 5 6 7 8 9", Journals.Numbers(Journals.Podman(tree).Read(default)));
        Assert.Null(JournalLog.Open(JournalWriter.Podman, Journals.A, Journals.Tree("kept").Move(Journals.Path, $"{Journals.Folder}/user-1000.journal")));
        Assert.Null(JournalLog.Open(JournalWriter.Podman, Journals.A, Journals.Tree("kept").Move(Journals.Folder, "/var/log/journal/remote")));
    }

    [Fact]
    public void A_file_that_is_just_begun_has_nothing_yet()
    {
        FileTree tree = Journals.Tree("kept").Add($"{Journals.Folder}/system@1.journal", []).Add($"{Journals.Folder}/system@2.journal", new byte[8 << 20]);

        LogPiece piece = Journals.Podman(tree).Read(default);

        Assert.Equal(("0 1 2 3 4 5 6 7 8 9", 0), (Journals.Numbers(piece), piece.Damaged));
    }

    [Fact]
    public void A_container_that_has_written_nothing_has_an_empty_log()
    {
        JournalLog log = Journals.Log(Journals.Tree("again"), Journals.B, JournalWriter.Docker);

        Assert.Equal(default, log.Tail(10));
        LogPiece piece = log.Read(default);
        Assert.Equal((0, default, true, 0, false), (piece.Entries.Count, piece.Next, piece.IsLast, piece.Damaged, piece.IsBehind));
    }

    [Fact]
    public void Of_a_container_that_is_not_in_a_file_the_file_is_hardly_read()
    {
        var budget = new JournalBudget();
        Assert.True(Journals.Alone(Journals.Format("regular")).Root.TryFind("/var/log/journal/11111111111111111111111111111111/system.journal"u8, out IInode? inode));
        JournalFile file = JournalFile.Open(inode, "journal", budget)!;

        Assert.Equal(0, file.Find("CONTAINER_ID_FULL=c"u8));
        Assert.InRange(budget.Used, 1, 4 * 4096);
    }

    [Theory]
    [InlineData(ContainerRuntime.Podman)]
    [InlineData(ContainerRuntime.Docker)]
    public void A_container_that_logs_to_the_journal_is_read_from_there(ContainerRuntime engine)
    {
        var container = new FoundContainer
        {
            Id = Journals.A.ToString(),
            Record = new ContainerRecord { Id = Journals.A, Runtime = engine, LogDriver = "journald" },
            Live = null,
            Runtime = engine,
            State = ContainerState.Exited,
            RootPid = null,
        };

        Assert.Equal("0 1 2 3 4 5 6 7 8 9", Journals.Numbers(ContainerLog.Open(container, Journals.Tree("kept")).Read(default)));
    }

    private static (long Realtime, string Text, bool IsError) Shown(LogEntry entry) => (entry.Time.Seconds * 1_000_000 + entry.Time.Nanoseconds / 1000, Journals.Text(entry), entry.IsError);

    private static FileTime Moment(long realtime) => new(realtime / 1_000_000, (uint)(realtime % 1_000_000) * 1000);
}
