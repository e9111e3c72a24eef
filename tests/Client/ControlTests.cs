using System.Text.Json;
using Watari.GrainInterfaces.Model;
using Watari.Processes;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>pause, unpause, kill and stop, asked of real silos.</summary>
public sealed class ControlTests(TwoHosts hosts)
{
    [Fact]
    public async Task several_are_paused_each_name_is_printed_and_the_way_is_said()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        (string one, string other) = (cluster.AddContainer(), cluster.AddContainer());

        Run paused = await cluster.WatariAsync("pause", one, other);
        Assert.Equal((0, $"{one}\n{other}\n"), (paused.Code, paused.Out));
        Assert.Matches($@"paused {one} in host-a/vm-a from outside \([\d.]+ ms\)", paused.Error);
        Assert.Equal((CopyState.Frozen, CopyState.Frozen), (StateOf(cluster, one), StateOf(cluster, other)));
        Run unpaused = await cluster.WatariAsync("unpause", "--by", "agent", one, other);

        Assert.Equal((0, $"{one}\n{other}\n"), (unpaused.Code, unpaused.Out));
        Assert.Contains($"unpaused {one} in host-a/vm-a by the agent in it", unpaused.Error, StringComparison.Ordinal);
        cluster.AssertRunsOnlyIn("host-a", one);
        cluster.AssertRunsOnlyIn("host-a", other);
    }

    [Fact]
    public async Task what_fails_of_several_is_said_by_name_and_the_others_are_done()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();

        Run run = await cluster.WatariAsync("pause", "nothing", container);
        Run again = await cluster.WatariAsync("pause", container);
        Run back = await cluster.WatariAsync("unpause", container);
        Run backAgain = await cluster.WatariAsync("unpause", container);

        Assert.Equal((3, $"{container}\n"), (run.Code, run.Out));
        Assert.Contains("There is no container 'nothing'", run.Error, StringComparison.Ordinal);
        Assert.Equal((4, ""), (again.Code, again.Out));
        Assert.Contains($"Container '{container}' in host-a/vm-a is paused already.", again.Error, StringComparison.Ordinal);
        Assert.Equal(0, back.Code);
        Assert.Equal(4, backAgain.Code);
        Assert.Contains($"Container '{container}' in host-a/vm-a is not paused.", backAgain.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_kill_says_which_signal_was_sent_and_that_it_is_ignored()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();

        Run hung = await cluster.WatariAsync("kill", "-s", "hup", container, "-o", "json");
        Run killed = await cluster.WatariAsync("kill", container);

        Assert.Equal(0, hung.Code);
        JsonElement told = Assert.Single(JsonDocument.Parse(hung.Out).RootElement.EnumerateArray());
        Assert.Equal(("kill", "SIGHUP", "outside"), (told.GetProperty("action").GetString(), told.GetProperty("signal").GetString(), told.GetProperty("by").GetString()));
        Assert.Contains("; pid 812 ignores SIGHUP", hung.Error, StringComparison.Ordinal);
        Assert.Equal((0, $"{container}\n"), (killed.Code, killed.Out));
        Assert.Contains($"killed {container} in host-a/vm-a from outside", killed.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.World.Read().Copies, copy => copy.Container == container);
    }

    [Fact]
    public async Task a_stop_says_who_did_it_what_was_killed_and_what_had_ended()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        (string one, string other) = (cluster.AddContainer(), cluster.AddContainer());

        Run stopped = await cluster.WatariAsync("stop", one);
        Run several = await cluster.WatariAsync("stop", "-t", "3", "-s", "HUP", one, other, "nothing");
        Run told = await cluster.WatariAsync("stop", one, "-o", "json");

        Assert.Equal((0, $"{one}\n"), (stopped.Code, stopped.Out));
        Assert.Matches($@"stopped {one} in host-a/vm-a by the agent in it \([\d.]+ ms\)\n", stopped.Error);
        Assert.Equal((3, $"{one}\n{other}\n"), (several.Code, several.Out));
        Assert.Matches($@"stopped {one} in host-a/vm-a by the agent in it \([\d.]+ ms\); it did not run: it is created\n", several.Error);
        Assert.Matches($@"stopped {other} in host-a/vm-a by the agent in it \([\d.]+ ms\); it did not end in 3 s, and was killed\n", several.Error);
        JsonElement view = Assert.Single(JsonDocument.Parse(told.Out).RootElement.EnumerateArray());
        Assert.Equal(("stop", JsonValueKind.Null, "agent"), (view.GetProperty("action").GetString(), view.GetProperty("signal").ValueKind, view.GetProperty("by").GetString()));
    }

    [Theory]
    [InlineData(FailureKind.Interrupted, 6)]
    [InlineData(FailureKind.HostLost, 6)]
    [InlineData(FailureKind.RestoreFailed, 5)]
    [InlineData(FailureKind.Refused, 4)]
    public void what_failed_is_told_the_shell(FailureKind kind, int code) => Assert.Equal(code, ExitCodes.Of(kind));

    [Theory]
    [InlineData("TERM", 15)]
    [InlineData("sigusr1", 10)]
    [InlineData("9", 9)]
    [InlineData("RTMIN", 34)]
    [InlineData("SIGRTMIN+3", 37)]
    [InlineData("RTMAX-1", 63)]
    [InlineData("64", 64)]
    [InlineData("IOT", 6)]
    public void a_signal_is_named_as_kill_takes_it(string text, int number)
    {
        Assert.True(Signal.TryParse(text, out Signal signal));
        Assert.Equal(number, signal.Number);
        Assert.True(Signal.TryParse(signal.ToString().Replace("signal ", "", StringComparison.Ordinal), out Signal same) && same == signal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65")]
    [InlineData("-9")]
    [InlineData("SIG9")]
    [InlineData("SIGSIGTERM")]
    [InlineData("RTMIN+31")]
    [InlineData("RTMAX-31")]
    [InlineData("FOO")]
    public void what_is_no_signal_is_none(string text) => Assert.False(Signal.TryParse(text, out _));

    private static CopyState StateOf(ScriptedCluster cluster, string container) => cluster.World.Read().Copies.Single(copy => copy.Container == container).State;
}
