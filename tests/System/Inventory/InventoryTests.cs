using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Watari.Hypervisor;
using Watari.Processes;

namespace Watari.SystemTests.Inventory;

/// <summary>What <c>watari ps</c>, <c>inspect</c> and <c>images</c> say of an engine's containers, beside what the engine says; nothing is synced before, and no agent runs.</summary>
public abstract partial class InventoryTests(InventoryHost host)
{
    /// <summary>What is told only when it is asked for, and what is not read.</summary>
    private static readonly string[] s_notRead = ["Namespaces", "Size", "PodName", "CIDFile", "ExposedPorts"];

    /// <summary>The command, its test's programs, and the machine it runs on take their time, too: what is measured is told, and this is only what would be absurd.</summary>
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Each_change_is_in_the_list_at_once_with_all_fields_of_the_engines_own()
    {
        string id = (await host.InAsync($"{host.Engine} create --name changing --network none localhost/busybox sleep 1000")).Trim();
        (string Command, string State)[] changes =
        [
            ("true", "created"), ($"{host.Engine} start changing", "running"), ($"{host.Engine} pause changing", "paused"), ($"{host.Engine} unpause changing", "running"),
            ($"{host.Engine} rename changing changed", "running"), ($"{host.Engine} kill changed; {host.Engine} wait changed", "exited"), ($"{host.Engine} start changed", "running"),
        ];
        try
        {
            foreach ((string command, string state) in changes)
            {
                await host.InAsync(command);
                JsonObject[] ours = await ListAsync($"after {command}");

                Assert.Equal(state, (string)ours.Single(row => (string)row["id"]! == id)["status"]!);
                AssertSame(await host.EngineListAsync(), ours);
            }
        }
        finally
        {
            await host.InAsync($"{host.Engine} rm -f $({host.Engine} ps -aq --filter name=chang)");
        }

        Assert.DoesNotContain(await ListAsync("after rm"), row => (string)row["id"]! == id);
    }

    [Fact]
    public async Task Names_of_containers_in_all_states_are_known_and_what_needs_a_running_one_says_so()
    {
        Run quiet = await host.WatariAsync("ps", "-a", "--format", "{{.Names}} {{.State}}", "-f", "status=exited", "-f", "exited=3");
        Run top = await host.WatariAsync("top", "exited");
        Run inspected = await host.WatariAsync("inspect", "exited", "running", "-f", "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}}");

        Assert.Equal((0, "exited exited\n", ""), (quiet.Code, quiet.Out, quiet.Error));
        Assert.Equal((4, "watari: Container 'exited' in host-a/vm-a does not run: it is exited.\n"), (top.Code, top.Error));
        Assert.Equal((0, "exited exited 3 no\nrunning running 0 on-failure\n", ""), (inspected.Code, inspected.Out, inspected.Error));
    }

    [Fact]
    public async Task Images_are_those_that_the_engine_lists()
    {
        // Size in bytes, the id in full, and the name of each.
        string theirs = await host.InAsync(host.Engine == "docker"
            ? "docker image inspect --format '{{.Id}} {{.Size}} {{range $i, $tag := .RepoTags}}{{if $i}},{{end}}{{$tag}}{{end}}' $(docker images -q --no-trunc)"
            : "podman inspect --format '{{.Id}} {{.Size}} {{join .RepoTags \",\"}}' $(podman images -q --no-trunc)");
        JsonObject[] ours = await host.ListAsync("images");

        Assert.Equal(
            theirs.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct().Order(StringComparer.Ordinal),
            ours.Where(image => (string)image["runtime"]! == host.Engine).GroupBy(image => (string)image["id"]!).Select(image => $"{image.Key} {image.First()["sizeBytes"]} {string.Join(',', image.Select(name => $"{name["repository"]}:{name["tag"]}"))}").Order(StringComparer.Ordinal));
    }

    private async Task<JsonObject[]> ListAsync(string when)
    {
        long began = Stopwatch.GetTimestamp();
        // Docker measures where a template asks for all there is.
        JsonObject[] listed = await host.ListAsync(["ps", "-a", .. host.Engine == "docker" ? ["--size"] : Array.Empty<string>()]);
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        TestContext.Current.TestOutputHelper!.WriteLine($"{when}: watari ps -a took {took.TotalSeconds:0.00} s");
        Assert.InRange(took, TimeSpan.Zero, s_soon);
        return listed;
    }

    private void AssertSame(JsonObject[] theirs, JsonObject[] ours)
    {
        string idField = host.Engine == "docker" ? "ID" : "Id";
        Dictionary<string, JsonObject> rows = ours.ToDictionary(row => (string)row["id"]!, row => row[host.Engine]!.AsObject());
        Assert.Equal(theirs.Select(row => (string)row[idField]!).Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
        foreach (JsonObject row in theirs)
        {
            JsonObject same = rows[(string)row[idField]!];
            foreach ((string field, JsonNode? value) in row)
            {
                if (s_notRead.Contains(field) && host.Engine == "podman") continue;
                Assert.Equal($"{row["Names"]} {field} {Text(field, value)}", $"{row["Names"]} {field} {(same.ContainsKey(field) ? Text(field, same[field]) : "is missing")}");
            }
        }
    }

    /// <summary>Docker lists what is in a map in no order; how long ago something was has changed between two lists; podman 4 says "Up 3 seconds ago".</summary>
    private static string Text(string field, JsonNode? value)
    {
        string text = value?.ToJsonString() ?? "null";
        if (field is "Labels" or "Mounts" or "Networks" && value is JsonValue) return string.Join(',', text.Trim('"').Split(',').Order(StringComparer.Ordinal));
        return field is "Status" or "RunningFor" || (field == "CreatedAt" && text.EndsWith("ago\"", StringComparison.Ordinal))
            ? Durations().Replace(text, "some time").Replace("Up some time ago", "Up some time", StringComparison.Ordinal)
            : text;
    }

    [GeneratedRegex("Less than a second|1 second|[0-9]+ seconds|About a minute|[0-9]+ minutes")]
    private static partial Regex Durations();
}

public sealed class Docker26InventoryTests(Docker26Host host) : InventoryTests(host), IClassFixture<Docker26Host>;

[Trait("engines", "more")]
public sealed class Docker20InventoryTests(Docker20Host host) : InventoryTests(host), IClassFixture<Docker20Host>;

public sealed class Podman5InventoryTests(Podman5Host host) : InventoryTests(host), IClassFixture<Podman5Host>;

[Trait("engines", "more")]
public sealed class Podman4InventoryTests(Podman4Host host) : InventoryTests(host), IClassFixture<Podman4Host>;

/// <summary>Guests that do not answer: their containers are listed all the same.</summary>
public sealed class SilentGuestTests(Podman5Host host) : IClassFixture<Podman5Host>
{
    private static readonly string[] s_all = ["created created", "exited exited", "paused paused", "running running"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Containers_are_listed_while_the_guest_stands_still_while_its_processor_spins_in_the_kernel_and_under_a_fork_bomb()
    {
        await AssertListedAsync("before");
        await using (QmpClient control = await QmpClient.ConnectAsync(host.Guest.Directory.ControlSocket, cancellation: Cancellation))
        {
            await control.ExecuteAsync("stop", cancellation: Cancellation);
            await AssertListedAsync("while it is stopped");
            await control.ExecuteAsync("cont", cancellation: Cancellation);
        }

        // The only processor is in the kernel, reading zeroes in one call after the other, and leaves it for nothing but the timer that ends it.
        await host.InAsync("sysctl -qw kernel.sched_rt_runtime_us=-1; (setsid chrt -f 99 timeout -s KILL 30 chrt -f 98 dd if=/dev/zero of=/dev/null bs=64M >/dev/null 2>&1 </dev/null &)");
        await AssertListedAsync("while its processor spins");
        await host.InAsync("true");

        await host.InAsync("(setsid sh -c 'sleep 0.5; bomb() { bomb | bomb & }; bomb' >/dev/null 2>&1 </dev/null &)");
        await AssertListedAsync("under a fork bomb");
        await AssertListedAsync("under a fork bomb, later");
    }

    private async Task AssertListedAsync(string when)
    {
        long began = Stopwatch.GetTimestamp();
        Run run = await host.WatariAsync("ps", "-a", "--format", "{{.Names}} {{.State}}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{when}: watari ps -a took {Stopwatch.GetElapsedTime(began).TotalSeconds:0.00} s");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(s_all, run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }
}
