using System.Diagnostics;
using Watari.Processes;

namespace Watari.SystemTests.Commands;

/// <summary>What <c>watari stop</c> leaves behind, beside what the engine's own stop would.</summary>
public abstract class StopTests(CommandHost host)
{
    /// <summary>It ends with a code of its own for each of three signals.</summary>
    protected const string Heeds = "trap \"exit 7\" TERM; trap \"exit 8\" INT; trap \"exit 9\" USR1; while :; do sleep 0.1; done";

    protected CommandHost Host => host;

    [Fact]
    public async Task A_container_ends_by_its_own_signal_and_is_not_started_again()
    {
        await host.RunAsync("heeds", Heeds, "--restart always");
        await host.RunAsync("own", Heeds, "--restart always --stop-signal USR1");
        try
        {
            Run stopped = await host.WatariAsync("stop", "heeds", "own");
            await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);

            Assert.Equal((0, "heeds\nown\n"), (stopped.Code, stopped.Out));
            Assert.Matches(@"stopped heeds in host-a/vm-a by the agent in it \([\d.]+ ms\)\n", stopped.Error);
            Assert.Equal(("exited 7", "exited 9"), (await StateAsync("heeds"), await StateAsync("own")));

            Run again = await host.WatariAsync("stop", "heeds");
            Assert.Equal((0, "heeds\n"), (again.Code, again.Out));
            Assert.Contains("; it did not run: it is exited", again.Error, StringComparison.Ordinal);
        }
        finally
        {
            await host.RemoveAsync("heeds own");
        }
    }

    [Fact]
    public async Task The_signal_may_be_another_and_what_does_not_end_in_time_is_killed()
    {
        await host.RunAsync("heeds", Heeds);
        await host.RunAsync("again", Heeds, "--restart always");
        await host.RunAsync("deaf", "trap \"\" TERM INT; while :; do sleep 1; done", "--restart always");
        try
        {
            Run told = await host.WatariAsync("stop", "-s", "INT", "heeds");
            Run toldAgain = await host.WatariAsync("stop", "-s", "INT", "again");
            long begun = Stopwatch.GetTimestamp();
            Run killed = await host.WatariAsync("stop", "-t", "1", "deaf");
            TimeSpan took = Stopwatch.GetElapsedTime(begun);
            await host.InAsync($"{host.Engine} start deaf");
            Run killedAfterSignal = await host.WatariAsync("stop", "-t", "1", "-s", "INT", "deaf");
            await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);

            Assert.Equal((0, 0, 0, 0), (told.Code, toldAgain.Code, killed.Code, killedAfterSignal.Code));
            Assert.InRange(took, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(120));
            Assert.Contains("; it did not end in time, and was killed", killedAfterSignal.Error, StringComparison.Ordinal);
            Assert.Equal(("exited 8", "exited 137"), (await StateAsync("heeds"), await StateAsync("deaf")));
            // Podman 4 starts it once more before it is stopped for good.
            Assert.Matches("^exited (8|137)$", await StateAsync("again"));
        }
        finally
        {
            await host.RemoveAsync("heeds again deaf");
        }
    }

    [Fact]
    public async Task A_paused_container_is_treated_as_its_engine_treats_it()
    {
        await host.RunAsync("heeds", Heeds);
        try
        {
            await host.InAsync($"{host.Engine} pause heeds");
            await AssertPausedAsync(await host.WatariAsync("stop", "heeds"));
            await host.InAsync($"{host.Engine} start heeds");
            Assert.Equal(0, (await host.WatariAsync("pause", "heeds")).Code);
            await AssertPausedAsync(await host.WatariAsync("stop", "heeds"));
        }
        finally
        {
            await host.RemoveAsync("heeds");
        }
    }

    /// <summary>What became of one that was paused when it was to be stopped; it has ended after that.</summary>
    private async Task AssertPausedAsync(Run stop)
    {
        TestContext.Current.TestOutputHelper!.WriteLine(stop.ToString());
        if (host.Engine == "docker")
        {
            Assert.Equal((0, "heeds\n"), (stop.Code, stop.Out));
            Assert.Equal("exited 7", await StateAsync("heeds"));
            return;
        }

        Assert.Equal((4, ""), (stop.Code, stop.Out));
        Assert.EndsWith("is paused, and podman stops none that is: unpause it first ('watari unpause').\n", stop.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await host.WatariAsync("unpause", "heeds")).Code);
        Assert.Equal(0, (await host.WatariAsync("stop", "heeds")).Code);
        Assert.Equal("exited 7", await StateAsync("heeds"));
    }

    protected Task<string> StateAsync(string name) => host.InAsync($"{host.Engine} inspect -f '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' {name}");
}

[Collection(nameof(Docker26Commands))]
public sealed class Docker26StopTests(Docker26Commands host) : StopTests(host);

[Collection(nameof(Docker20Commands))]
[Trait("engines", "more")]
public sealed class Docker20StopTests(Docker20Commands host) : StopTests(host);

[Collection(nameof(Podman5Commands))]
public sealed class Podman5StopTests(Podman5Commands host) : StopTests(host)
{
    [Fact]
    public async Task Without_an_agent_it_is_said_what_can_be_done()
    {
        await Host.RunAsync("heeds", Heeds);
        await Host.InAsync("kill -STOP $(pidof watari-agent)");
        try
        {
            Run stop = await Host.WatariAsync("stop", "heeds");
            Run exec = await Host.WatariAsync("exec", "heeds", "true");

            Assert.Equal((4, ""), (stop.Code, stop.Out));
            Assert.Contains("No guest agent answers in VM 'vm-a'", stop.Error, StringComparison.Ordinal);
            Assert.Contains("'watari kill -s TERM' and 'watari kill' end a container from outside", stop.Error, StringComparison.Ordinal);
            Assert.Equal((4, ""), (exec.Code, exec.Out));
            Assert.Contains("No guest agent answers in VM 'vm-a'", exec.Error, StringComparison.Ordinal);
            Assert.Equal("running 0", await StateAsync("heeds"));
        }
        finally
        {
            await Host.InAsync("kill -CONT $(pidof watari-agent)");
            await Host.RemoveAsync("heeds");
        }
    }
}

[Collection(nameof(Podman4Commands))]
[Trait("engines", "more")]
public sealed class Podman4StopTests(Podman4Commands host) : StopTests(host);

/// <summary>Containers of runc alone, of which the agent does what an engine's stop would.</summary>
[Collection(nameof(RuncCommands))]
public sealed class RuncStopTests(RuncCommands host)
{
    private const string Config = "/var/lib/watari/bundles/counter/config.json";

    [Fact]
    public async Task One_that_heeds_its_signal_ends_by_it_paused_or_not_and_another_is_killed()
    {
        await host.InAsync("watari-run redis && watari-run counter");
        // Redis saves when it is told to end, if it has been told what to save.
        await host.InAsync("runc exec redis /usr/bin/redis-cli -s /run/redis.sock config set save '3600 1' && runc exec redis /usr/bin/redis-cli -s /run/redis.sock set key value");
        Assert.Equal(0, (await host.WatariAsync("pause", "redis")).Code);

        Run redis = await host.WatariAsync("stop", "redis");
        Run counter = await host.WatariAsync("stop", "-t", "1", "counter");

        Assert.Equal((0, "redis\n"), (redis.Code, redis.Out));
        Assert.DoesNotContain("killed", redis.Error, StringComparison.Ordinal);
        await host.InAsync("ls /var/lib/watari/bundles/redis/rootfs/data/dump.rdb");
        Assert.Equal((0, "counter\n"), (counter.Code, counter.Out));
        Assert.EndsWith("; it did not end in time, and was killed\n", counter.Error, StringComparison.Ordinal);
        Assert.Equal("stopped\nstopped", await host.InAsync("for i in redis counter; do runc state $i | sed -n 's/.*\"status\": \"\\(.*\\)\".*/\\1/p'; done"));
        Assert.Contains("it did not run: it is stopped", (await host.WatariAsync("stop", "redis")).Error, StringComparison.Ordinal);
        await host.InAsync("runc delete redis; runc delete counter");
    }

    [Fact]
    public async Task The_signal_that_its_bundle_names_is_the_one_that_it_gets()
    {
        // KILL can be told from TERM, which its first process has no handler for.
        await host.InAsync($"cp {Config} /tmp/config.json && sed -i '0,/{{/s//{{ \"annotations\": {{ \"org.opencontainers.image.stopSignal\": \"SIGKILL\" }},/' {Config} && watari-run counter");
        try
        {
            Run stop = await host.WatariAsync("stop", "-t", "600", "counter");

            Assert.Equal((0, "counter\n"), (stop.Code, stop.Out));
            Assert.DoesNotContain("killed", stop.Error, StringComparison.Ordinal);
        }
        finally
        {
            await host.InAsync($"mv /tmp/config.json {Config}; runc delete -f counter");
        }
    }
}
