using System.Diagnostics;
using Watari.Processes;

namespace Watari.SystemTests.Commands;

/// <summary>Commands in containers by <c>watari exec</c>.</summary>
public abstract class ExecTests(CommandHost host)
{
    internal const string Sleeps = "sleep 100000";

    [Fact]
    public async Task A_command_has_its_outputs_its_code_its_environment_its_user_and_its_place()
    {
        await host.RunAsync("box", Sleeps);
        try
        {
            Run both = await host.WatariAsync("exec", "box", "sh", "-c", "echo out; echo err >&2; exit 5");
            Run told = await host.WatariAsync("exec", "-e", "A=b c", "-u", "7:8", "-w", "/tmp", "box", "sh", "-c", "echo \"$A\" $(id -u):$(id -g) $(pwd) $#", "-x", "--", "-i");
            Run missing = await host.WatariAsync("exec", "box", "no-such-program");

            Assert.Equal(new Run(5, "out\n", "err\n"), both);
            Assert.Equal(new Run(0, "b c 7:8 /tmp 2\n", ""), told);
            Assert.Contains("no-such-program", missing.Out + missing.Error, StringComparison.Ordinal); // Docker says it where the program would have spoken
            Assert.InRange(missing.Code, 126, 127);
        }
        finally
        {
            await host.RemoveAsync("box");
        }
    }

    [Fact]
    public async Task Ctrl_C_ends_the_command_in_the_container_and_nothing_else_of_it()
    {
        await host.RunAsync("box", Sleeps);
        try
        {
            using Process watari = host.Processes.StartWatari("exec", "box", "sh", "-c", "echo begun >&2; sleep 4711; true");
            await WatariProcesses.UntilSaysAsync(watari, "begun");
            await host.InAsync("pgrep -f '^sleep 4711'");
            long begun = Stopwatch.GetTimestamp();
            await WatariProcesses.SignalAsync(watari, "INT");
            Run run = await WatariProcesses.EndAsync(watari);
            TestContext.Current.TestOutputHelper!.WriteLine($"ended after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");

            Assert.Equal((130, ""), (run.Code, run.Out));
            Assert.Equal("sleep 100000", await host.InAsync("! pgrep -f '^sleep 4711' && pgrep -af '^sleep' | cut -d' ' -f2-"));
        }
        finally
        {
            await host.RemoveAsync("box");
        }
    }

    [Fact]
    public async Task In_one_that_is_paused_or_has_ended_nothing_is_begun()
    {
        await host.RunAsync("box", Sleeps);
        try
        {
            Assert.Equal(0, (await host.WatariAsync("pause", "box")).Code);
            Run paused = await host.WatariAsync("exec", "box", "true");
            Assert.Equal(0, (await host.WatariAsync("unpause", "box")).Code);
            Assert.Equal(0, (await host.WatariAsync("stop", "-t", "0", "box")).Code);
            Run ended = await host.WatariAsync("exec", "box", "true");

            Assert.Equal(4, paused.Code);
            Assert.Contains("is paused: unpause it first ('watari unpause').", paused.Error, StringComparison.Ordinal);
            Assert.Equal(4, ended.Code);
            Assert.Contains("does not run: it is exited.", ended.Error, StringComparison.Ordinal);
        }
        finally
        {
            await host.RemoveAsync("box");
        }
    }
}

/// <summary>What does not hang on an engine's version.</summary>
public abstract class LongExecTests(CommandHost host)
{
    [Fact]
    public async Task What_comes_in_and_goes_out_is_whole_however_much()
    {
        await host.RunAsync("box", ExecTests.Sleeps);
        try
        {
            string input = string.Concat(Enumerable.Range(0, 40_000).Select(i => $"line {i}\n"));
            long begun = Stopwatch.GetTimestamp();
            Run cat = await host.WatariWithInputAsync(input, "exec", "-i", "box", "cat");
            TestContext.Current.TestOutputHelper!.WriteLine($"{input.Length} bytes there and back: {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");
            begun = Stopwatch.GetTimestamp();
            Run large = await host.WatariAsync("exec", "box", "sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x");
            TestContext.Current.TestOutputHelper!.WriteLine($"{large.Out.Length} bytes back: {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");
            Run unasked = await host.WatariWithInputAsync(input, "exec", "box", "cat");

            Assert.Equal((0, ""), (cat.Code, cat.Error));
            Assert.True(input == cat.Out, $"{cat.Out.Length} of {input.Length} bytes came back");
            Assert.Equal((0, 5_000_000, true), (large.Code, large.Out.Length, large.Out.All(letter => letter == 'x')));
            Assert.Equal(new Run(0, "", ""), unasked);
        }
        finally
        {
            await host.RemoveAsync("box");
        }
    }

    [Fact]
    public async Task A_command_that_nobody_reads_any_more_ends_and_so_does_one_of_an_agent_that_dies()
    {
        await host.RunAsync("box", ExecTests.Sleeps);
        try
        {
            using Process left = host.Processes.StartWatari("exec", "box", "sh", "-c", "echo begun >&2; sleep 4712; true");
            await WatariProcesses.UntilSaysAsync(left, "begun");
            left.Kill();
            await left.WaitForExitAsync(TestContext.Current.CancellationToken);
            await host.InAsync("pgrep -f '^sleep 4712'; while pgrep -f '^sleep 4712' >/dev/null; do sleep 0.5; done");

            using Process watari = host.Processes.StartWatari("exec", "box", "sh", "-c", "echo begun >&2; sleep 4713; true");
            await WatariProcesses.UntilSaysAsync(watari, "begun");
            await host.InAsync("kill -9 $(pidof watari-agent)");
            Run run = await WatariProcesses.EndAsync(watari);

            Assert.Equal((6, ""), (run.Code, run.Out));
            Assert.Contains("The guest agent in VM 'vm-a' was lost", run.Error, StringComparison.Ordinal);
            await host.InAsync("while pgrep -f '^sleep 4713' >/dev/null; do sleep 0.5; done");
            Assert.Equal(new Run(0, "again\n", ""), await host.WatariAsync("exec", "box", "echo", "again"));
        }
        finally
        {
            await host.RemoveAsync("box");
        }
    }
}

[Collection(nameof(Docker26Commands))]
public sealed class Docker26ExecTests(Docker26Commands host) : ExecTests(host);

[Collection(nameof(Docker20Commands))]
[Trait("engines", "more")]
public sealed class Docker20ExecTests(Docker20Commands host) : ExecTests(host);

[Collection(nameof(Podman5Commands))]
public sealed class Podman5ExecTests(Podman5Commands host) : ExecTests(host);

[Collection(nameof(Podman4Commands))]
[Trait("engines", "more")]
public sealed class Podman4ExecTests(Podman4Commands host) : ExecTests(host);

[Collection(nameof(Docker26Commands))]
[Trait("engines", "more")]
public sealed class Docker26LongExecTests(Docker26Commands host) : LongExecTests(host);

[Collection(nameof(Podman5Commands))]
public sealed class Podman5LongExecTests(Podman5Commands host) : LongExecTests(host);

/// <summary>Containers of runc alone.</summary>
[Collection(nameof(RuncCommands))]
public sealed class RuncExecTests(RuncCommands host)
{
    [Fact]
    public async Task A_command_runs_by_runc_exec_and_Ctrl_C_ends_it()
    {
        await host.InAsync("watari-run redis");
        try
        {
            Run ping = await host.WatariAsync("exec", "redis", "redis-cli", "-s", "/run/redis.sock", "ping");
            Run given = await host.WatariWithInputAsync("set a b\nget a\n", "exec", "-i", "-u", "0:0", "-w", "/data", "redis", "redis-cli", "-s", "/run/redis.sock");
            Run named = await host.WatariAsync("exec", "-u", "redis", "redis", "redis-cli");
            using Process watari = host.Processes.StartWatari("exec", "redis", "redis-cli", "-s", "/run/redis.sock", "-r", "100000", "-i", "1", "ping");
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            Assert.Equal("PONG", await watari.StandardOutput.ReadLineAsync(limit.Token));
            await WatariProcesses.SignalAsync(watari, "INT");
            Run interrupted = await WatariProcesses.EndAsync(watari);

            Assert.Equal(new Run(0, "PONG\n", ""), ping);
            Assert.Equal(new Run(0, "OK\nb\n", ""), given);
            Assert.Equal(4, named.Code);
            Assert.Contains("runc takes a user by number", named.Error, StringComparison.Ordinal);
            Assert.Equal(130, interrupted.Code);
            await host.InAsync("! pgrep redis-cli");
        }
        finally
        {
            await host.InAsync("runc delete -f redis");
        }
    }
}
