using System.Diagnostics;
using System.Text.Json;
using Watari.Client.Tests.Terminals;
using Watari.GrainInterfaces.Model;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>What a person sees who migrates on a terminal: the screen itself, of a real pseudo terminal.</summary>
public sealed class TerminalTests(TerminalTests.PacedHosts hosts) : IClassFixture<TerminalTests.PacedHosts>
{
    private const string CtrlC = "\u0003";
    private const string LastLine = @"^migrated redis host-./vm-. -> host-./vm-. in [\d.]+ s, downtime [\d.]+ ms \(.*\), 25 MiB sent \(60 % zero or known\)$";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly ScriptedCluster _cluster = hosts.Cluster;

    [Theory]
    [InlineData(120)]
    [InlineData(80)]
    [InlineData(40)]
    [InlineData(16)]
    public async Task progress_is_one_row_that_is_redrawn_and_gone_when_the_last_line_stands(int columns)
    {
        using var pty = new Pty(columns);
        string settings = await pty.SettingsAsync();

        pty.Start(Migrate(out _));
        int code = await pty.EndAsync(Patience);

        Assert.Equal(0, code);
        string[] progress = [.. pty.Screen.Seen.TakeWhile(shown => !shown.Contains("migrated", StringComparison.Ordinal)).Where(shown => shown.Length > 0)];
        Assert.All(progress, shown => Assert.True(shown.Length < columns && !shown.Contains('\n'), shown));
        Assert.All(progress, shown => Assert.Matches(columns < 60 ? @"^[|/\\-] +\d+ s  redis" : @"^[|/\\-] \[#*\.*\] +\d+ s  redis: ", shown));
        Assert.True(progress.Distinct().Count() > 5, string.Join('\n', progress));
        Assert.Matches(LastLine, pty.Screen.Joined);
        Assert.Equal(0, pty.Screen.Cursor.Column);
        Assert.Empty(pty.Screen.Strange);
        Assert.Equal(settings, await pty.SettingsAsync());
    }

    [Fact]
    public async Task data_that_goes_to_a_file_leaves_the_screen_empty_in_the_end()
    {
        string file = Path.GetTempFileName();
        using var pty = new Pty(columns: 100);

        pty.Start(Migrate(out _, "-o", "json"), output: file);
        int code = await pty.EndAsync(Patience);

        Assert.Equal((0, "done"), (code, JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("state").GetString()));
        Assert.Contains(pty.Screen.Seen, shown => shown.Contains("redis: preparing the destination", StringComparison.Ordinal));
        Assert.Empty(pty.Screen.Rows);
        Assert.Equal((0, 0), pty.Screen.Cursor);
        Assert.Empty(pty.Screen.Strange);
        File.Delete(file);
    }

    [Fact]
    public async Task ctrl_c_says_that_it_cancels_goes_on_in_its_row_and_ends_with_where_the_container_is()
    {
        using var pty = new Pty(columns: 90);

        pty.Start(Migrate(out VmId source));
        await pty.Screen.UntilAsync("redis: preparing", Patience);
        pty.Type(CtrlC);
        int code = await pty.EndAsync(Patience);

        Assert.Equal(130, code);
        Assert.Equal(["watari: cancelling; Ctrl-C again detaches", $"watari: cancelled: redis runs on in {source}"], pty.Screen.Rows);
        Assert.Contains(pty.Screen.Seen, shown => shown.StartsWith("watari: cancelling", StringComparison.Ordinal) && shown.Contains("redis: rolling back", StringComparison.Ordinal));
        Assert.Empty(pty.Screen.Strange);
        _cluster.AssertRunsOnlyIn(source.Host);
    }

    [Fact]
    public async Task ctrl_c_twice_detaches_and_leaves_the_jobs_id_on_the_screen()
    {
        using var pty = new Pty(columns: 160);

        pty.Start(Migrate(out VmId source));
        await pty.Screen.UntilAsync("redis: preparing", Patience);
        pty.Type(CtrlC);
        await pty.Screen.UntilAsync("Ctrl-C again detaches", Patience);
        pty.Type(CtrlC);
        int code = await pty.EndAsync(Patience);
        string job = JsonDocument.Parse((await _cluster.Processes.WatariAsync("jobs", "ls", "-o", "json")).Out).RootElement[0].GetProperty("id").GetString()!;
        Run watched = await _cluster.Processes.WatariAsync("jobs", "watch", job);

        Assert.Equal(130, code);
        Assert.Equal(
            [
                "watari: cancelling; Ctrl-C again detaches",
                $"watari: detached; job {job} goes on: 'watari jobs watch {job}' follows it, 'watari jobs cancel {job}' turns it back",
            ],
            pty.Screen.Rows);
        Assert.Empty(pty.Screen.Strange);
        Assert.Equal(130, watched.Code);
        _cluster.AssertRunsOnlyIn(source.Host);
    }

    [Fact]
    public async Task a_terminal_that_cannot_redraw_gets_a_line_for_each_change()
    {
        using var pty = new Pty(columns: 80);
        ProcessStartInfo start = Migrate(out _);
        start.Environment["TERM"] = "dumb";

        pty.Start(start);
        int code = await pty.EndAsync(Patience);

        Assert.Equal(0, code);
        Assert.Contains("redis: preparing the destination", pty.Screen.Rows);
        Assert.Contains("redis: done", pty.Screen.Rows);
        Assert.Empty(pty.Screen.Strange);
    }

    private ProcessStartInfo Migrate(out VmId source, params string[] more)
    {
        source = Assert.Single(_cluster.World.Read().Copies, c => c.Container == "redis").Vm;
        ProcessStartInfo start = _cluster.Processes.StartOfWatari(["migrate", "redis", "--to", source.Host == "host-a" ? "vm-b" : "vm-a", .. more]);
        start.Environment["TERM"] = "xterm-256color";
        return start;
    }

    public sealed class PacedHosts : IAsyncLifetime
    {
        public ScriptedCluster Cluster { get; } = new();

        public async ValueTask InitializeAsync() => await Task.WhenAll(Cluster.StartSiloAsync("host-a", pace: 700), Cluster.StartSiloAsync("host-b", pace: 700));

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
