using System.Diagnostics;
using System.Text.Json;
using Watari.Client.Tests.Terminals;
using Watari.Processes;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>What a person sees who migrates on a terminal: the screen itself, of a real pseudo terminal.</summary>
public sealed class TerminalTests(TwoHosts hosts)
{
    private const string CtrlC = "\u0003";
    private const string LastLine = @"^migrated app-\d+ host-a/vm-a -> host-b/vm-b in [\d.]+ s, downtime [\d.]+ ms \(.*\), 25 MiB sent \(60 % zero or known\)$";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Theory]
    [InlineData(120)]
    [InlineData(80)]
    [InlineData(40)]
    [InlineData(16)]
    public async Task progress_is_one_row_that_is_redrawn_and_gone_when_the_last_line_stands(int columns)
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        using var pty = new Pty(columns);
        string settings = await pty.SettingsAsync();

        pty.Start(Migrate(cluster, container));
        await pty.Screen.UntilSeenAsync(texts: 8, Patience);
        hold.Dispose();
        int code = await pty.EndAsync(Patience);

        Assert.Equal(0, code);
        string[] progress = [.. pty.Screen.Seen.TakeWhile(shown => !shown.Contains("migrated", StringComparison.Ordinal)).Where(shown => shown.Length > 0)];
        Assert.All(progress, shown => Assert.True(shown.Length < columns && !shown.Contains('\n'), shown));
        Assert.All(progress, shown => Assert.Matches(columns < 60 ? @"^[|/\\-] +\d+ s  app-" : @"^[|/\\-] \[#*\.*\] +\d+ s  app-\d+: ", shown));
        Assert.True(progress.Distinct().Count() > 5, string.Join('\n', progress));
        Assert.Matches(LastLine, pty.Screen.Joined);
        Assert.Equal(0, pty.Screen.Cursor.Column);
        Assert.Empty(pty.Screen.Strange);
        Assert.Equal(settings, await pty.SettingsAsync());
    }

    [Fact]
    public async Task data_that_goes_to_a_file_leaves_the_screen_empty_in_the_end()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        string file = Path.GetTempFileName();
        using var pty = new Pty(columns: 100);

        pty.Start(Migrate(cluster, container, "-o", "json"), output: file);
        await pty.Screen.UntilAsync($"{container}: preparing the destination", Patience);
        hold.Dispose();
        int code = await pty.EndAsync(Patience);

        Assert.Equal((0, "done"), (code, JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("state").GetString()));
        Assert.Empty(pty.Screen.Rows);
        Assert.Equal((0, 0), pty.Screen.Cursor);
        Assert.Empty(pty.Screen.Strange);
        File.Delete(file);
    }

    [Fact]
    public async Task ctrl_c_says_that_it_cancels_goes_on_in_its_row_and_ends_with_where_the_container_is()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        using ScriptedOrder rollBack = cluster.Hold("roll-back-destination", container);
        using var pty = new Pty(columns: 90);

        pty.Start(Migrate(cluster, container));
        await pty.Screen.UntilAsync($"{container}: preparing", Patience);
        pty.Type(CtrlC);
        await pty.Screen.UntilAsync($"{container}: rolling back", Patience);
        rollBack.Dispose();
        int code = await pty.EndAsync(Patience);

        Assert.Equal(130, code);
        Assert.Equal(["watari: cancelling; Ctrl-C again detaches", $"watari: cancelled: {container} runs on in host-a/vm-a"], pty.Screen.Rows);
        Assert.Contains(pty.Screen.Seen, shown => shown.StartsWith("watari: cancelling", StringComparison.Ordinal) && shown.Contains($"{container}: rolling back", StringComparison.Ordinal));
        Assert.Empty(pty.Screen.Strange);
        cluster.AssertRunsOnlyIn("host-a", container);
    }

    [Fact]
    public async Task ctrl_c_twice_detaches_and_leaves_the_jobs_id_on_the_screen()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        using ScriptedOrder rollBack = cluster.Hold("roll-back-destination", container);
        using var pty = new Pty(columns: 160);

        pty.Start(Migrate(cluster, container));
        await pty.Screen.UntilAsync($"{container}: preparing", Patience);
        pty.Type(CtrlC);
        await pty.Screen.UntilAsync("Ctrl-C again detaches", Patience);
        pty.Type(CtrlC);
        int code = await pty.EndAsync(Patience);
        rollBack.Dispose();
        string job = Assert.Single(await cluster.JobsOfAsync(container)).GetProperty("id").GetString()!;
        Run watched = await cluster.WatariAsync("jobs", "watch", job);

        Assert.Equal(130, code);
        Assert.Equal(
            [
                "watari: cancelling; Ctrl-C again detaches",
                $"watari: detached; job {job} goes on: 'watari jobs watch {job}' follows it, 'watari jobs cancel {job}' turns it back",
            ],
            pty.Screen.Rows);
        Assert.Empty(pty.Screen.Strange);
        Assert.Equal(130, watched.Code);
        cluster.AssertRunsOnlyIn("host-a", container);
    }

    [Fact]
    public async Task a_terminal_that_cannot_redraw_gets_a_line_for_each_change()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        using var pty = new Pty(columns: 80);
        ProcessStartInfo start = Migrate(cluster, container);
        start.Environment["TERM"] = "dumb";

        pty.Start(start);
        await pty.Screen.UntilAsync($"{container}: preparing the destination", Patience);
        hold.Dispose();
        int code = await pty.EndAsync(Patience);

        Assert.Equal(0, code);
        Assert.Contains($"{container}: preparing the destination", pty.Screen.Rows);
        Assert.Contains($"{container}: done", pty.Screen.Rows);
        Assert.Empty(pty.Screen.Strange);
    }

    private static ProcessStartInfo Migrate(ScriptedCluster cluster, string container, params string[] more)
    {
        ProcessStartInfo start = cluster.Processes.StartOfWatari(["migrate", container, "--to", "vm-b", .. more]);
        start.Environment["TERM"] = "xterm-256color";
        return start;
    }
}
