using System.Diagnostics;
using System.Text.Json;
using Watari.Processes;

namespace Watari.SystemTests.Commands;

/// <summary>What <c>watari events</c> tells of what an engine does; no agent is asked.</summary>
public abstract class EventsTests(CommandHost host)
{
    [Fact]
    public async Task Each_change_is_told_once_in_order_and_again_to_who_asks_later()
    {
        using Process events = host.Processes.StartWatari("events", "--since", "0s", "-o", "json", "-f", "container=seen", "-f", "container=renamed");
        (string Command, string[] Told)[] changes =
        [
            ($"{host.Engine} create --name seen --network none localhost/busybox sh -c 'trap \"exit 7\" TERM; while :; do sleep 0.1; done'", ["create"]),
            ($"{host.Engine} start seen", ["start"]),
            ($"{host.Engine} pause seen", ["pause"]),
            ($"{host.Engine} unpause seen", ["unpause"]),
            ($"{host.Engine} rename seen renamed", ["rename"]),
            ($"{host.Engine} stop renamed", ["die"]),
            ($"{host.Engine} start renamed", ["start"]),
            ($"{host.Engine} kill renamed", ["die"]),
            ($"{host.Engine} rm renamed", ["remove"]),
        ];
        List<JsonElement> told = [];
        try
        {
            foreach ((string command, string[] expected) in changes)
            {
                await host.InAsync(command);
                long begun = Stopwatch.GetTimestamp();
                foreach (string word in expected)
                {
                    told.Add(await NextAsync(events));
                    TestContext.Current.TestOutputHelper!.WriteLine($"{command[..Math.Min(30, command.Length)]}: {told[^1]} after {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s");
                    Assert.Equal(word, told[^1].GetProperty("event").GetString());
                }
            }
        }
        finally
        {
            events.Kill();
            await host.InAsync($"{host.Engine} rm -f seen renamed 2>/dev/null || true");
        }

        Assert.All(told, one => Assert.Equal(("host-a", "vm-a", host.Engine, "localhost/busybox"), (Text(one, "host"), Text(one, "vm"), Text(one, "runtime"), Text(one, "image")!.Split(':')[0])));
        Assert.Equal([7, 137], told.Where(one => Text(one, "event") == "die").Select(one => one.GetProperty("exitCode").GetInt32()));
        Assert.Equal("seen", Text(told[4], "oldName"));
        Assert.Single(told.Select(one => Text(one, "id")).Distinct());

        Run again = await host.WatariAsync("events", "--since", "10m", "--until", "0s", "-f", $"container={Text(told[0], "id")}", "-o", "json");
        Assert.Equal((0, ""), (again.Code, again.Error));
        Assert.Equal(told.Select(one => one.ToString()), again.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task What_was_before_anybody_asked_is_told_as_it_was_written_down()
    {
        await host.InAsync($"{host.Engine} run --name before --network none localhost/busybox sh -c 'exit 3' || [ $? = 3 ]");
        try
        {
            await host.Processes.EndSilosAsync();
            await host.Processes.StartSiloAsync("host-a"); // one that has seen nothing of it

            Run run = await host.WatariAsync("events", "--since", "10m", "--until", "1s", "before");

            Assert.Matches("^[^ ]+ create [0-9a-f]{12} before host-a/vm-a .*\n[^ ]+ start [0-9a-f]{12} before .*\n[^ ]+ die [0-9a-f]{12} before host-a/vm-a \\(exitCode=3, .*\n$", run.Out);
            Assert.Equal((0, ""), (run.Code, run.Error));
        }
        finally
        {
            await host.RemoveAsync("before");
        }
    }

    private static async Task<JsonElement> NextAsync(Process events)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        string line = await events.StandardOutput.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException($"watari events has ended: {await events.StandardError.ReadToEndAsync(limit.Token)}");
        return JsonDocument.Parse(line).RootElement;
    }

    private static string? Text(JsonElement told, string field) => told.GetProperty(field).GetString();
}

[Collection(nameof(Docker26Commands))]
public sealed class Docker26EventsTests(Docker26Commands host) : EventsTests(host);

[Collection(nameof(Docker20Commands))]
[Trait("engines", "more")]
public sealed class Docker20EventsTests(Docker20Commands host) : EventsTests(host);

[Collection(nameof(Podman5Commands))]
public sealed class Podman5EventsTests(Podman5Commands host) : EventsTests(host);

[Collection(nameof(Podman4Commands))]
[Trait("engines", "more")]
public sealed class Podman4EventsTests(Podman4Commands host) : EventsTests(host);
