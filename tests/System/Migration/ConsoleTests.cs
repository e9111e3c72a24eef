using System.Globalization;
using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>The console, against what is true in the guests. A redis and a counter run in vm-a, and whatever moves one moves it back.</summary>
[Collection(Migrations.Name)]
public sealed class ConsoleTests(SharedHosts shared) : MigrationTest(shared.Hosts)
{
    private readonly TwoHosts _hosts = shared.Hosts;

    [Fact]
    public async Task A_migration_in_a_pipe_says_its_result_in_one_line_and_escapes_nothing()
    {
        Run there = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b");
        await MigrationAssert.RunsOnlyInAsync(_hosts.B, _hosts.A, "counter");
        Run back = await _hosts.WatariAsync("migrate", "counter", "--to", "host-a/vm-a");
        await MigrationAssert.RunsOnlyInAsync(_hosts.A, _hosts.B, "counter");

        const string figures = @" in [\d.]+ s, downtime [\d.]+ ms \(freeze [\d.]+, capture [\d.]+, .*thaw [\d.]+.*\), [\d.]+ [KM]iB sent \(\d+ % zero or known\)\n$";
        Assert.Matches(@"^migrated counter host-a/vm-a -> host-b/vm-b" + figures, there.Out);
        Assert.Matches(@"^migrated counter host-b/vm-b -> host-a/vm-a" + figures, back.Out);
        Assert.Equal((0, 0), (there.Code, back.Code));
        Assert.EndsWith("counter: done\n", there.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', there.Out + there.Error + back.Out + back.Error);
        Assert.True((await _hosts.A.Containers.ReportAsync(cancellation: Cancellation)).GetProperty("intact").GetBoolean());
    }

    [Fact]
    public async Task A_dry_run_touches_nothing()
    {
        string[] before = await MigrationAssert.FingerprintAsync(_hosts);

        Run plain = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b", "--dry-run");
        Run json = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b", "--dry-run", "-o", "json");

        Assert.Equal((0, 0), (plain.Code, json.Code));
        Assert.Contains("counter host-a/vm-a -> host-b/vm-b: can be migrated", plain.Out, StringComparison.Ordinal);
        JsonElement plan = JsonDocument.Parse(json.Out).RootElement;
        Assert.True(plan.GetProperty("accepted").GetBoolean());
        Assert.True(plan.GetProperty("residentBytes").GetInt64() > 0);
        Assert.Equal(before, await MigrationAssert.FingerprintAsync(_hosts));
        Assert.DoesNotContain("planned", (await _hosts.WatariAsync("jobs", "ls")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_detached_migration_is_listed_watched_and_shown_by_its_job()
    {
        string job = (await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b", "--detach")).Out.Trim();
        Run listed = await _hosts.WatariAsync("jobs", "ls", "-o", "json");
        Run watched = await _hosts.WatariAsync("jobs", "watch", job);
        Run shown = await _hosts.WatariAsync("jobs", "show", job);
        Run data = await _hosts.WatariAsync("jobs", "show", job, "-o", "json");
        await MigrationAssert.RunsOnlyInAsync(_hosts.B, _hosts.A, "counter");
        Run back = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-a");

        Assert.Equal((0, 0, 0), (watched.Code, shown.Code, back.Code));
        Assert.Contains(JsonDocument.Parse(listed.Out).RootElement.EnumerateArray(), line => line.GetProperty("id").GetString() == job);
        Assert.StartsWith("migrated counter host-a/vm-a -> host-b/vm-b in ", watched.Out, StringComparison.Ordinal);
        Assert.Contains("Now:       the container runs in host-b/vm-b\n", shown.Out, StringComparison.Ordinal);
        Assert.Contains("memwrite", shown.Out, StringComparison.Ordinal);
        Assert.Equal("done", JsonDocument.Parse(data.Out).RootElement.GetProperty("state").GetString());
    }

    [Fact]
    public async Task What_is_listed_is_what_there_is()
    {
        string pid = (await _hosts.A.Guest.Console.CheckAsync("cat /sys/fs/cgroup/counter/cgroup.procs", cancellation: Cancellation)).Split('\n')[0];
        string threads = await _hosts.A.Guest.Console.CheckAsync($"ls /proc/{pid}/task | wc -l", cancellation: Cancellation);
        string kernel = await _hosts.A.Guest.Console.CheckAsync("uname -r", cancellation: Cancellation);

        Dictionary<string, JsonElement> hosts = await ListAsync("hosts");
        Dictionary<string, JsonElement> vms = await ListAsync("vms");
        Dictionary<string, JsonElement> containers = await ListAsync("ps");
        JsonElement counter = containers["counter"];

        Assert.Equal(["host-a", "host-b"], hosts.Keys);
        Assert.All(hosts.Values, host => Assert.Equal(("up", 1), (host.GetProperty("status").GetString(), host.GetProperty("vms").GetInt32())));
        Assert.Equal(["vm-a", "vm-b"], vms.Keys);
        Assert.All(vms.Values, vm => Assert.Equal(("running", kernel, JsonValueKind.Null), (vm.GetProperty("status").GetString(), vm.GetProperty("kernelRelease").GetString(), vm.GetProperty("problem").ValueKind)));
        Assert.All(vms.Values, vm => Assert.Equal((512L << 20, 1, JsonValueKind.String), (vm.GetProperty("memoryBytes").GetInt64(), vm.GetProperty("virtualCpus").GetInt32(), vm.GetProperty("agentVersion").ValueKind)));
        Assert.Equal(["counter", "redis"], containers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((2, 0), (vms["vm-a"].GetProperty("containers").GetInt32(), vms["vm-b"].GetProperty("containers").GetInt32()));
        Assert.Equal(("counter", "host-a", "vm-a", "running", "/counter"), (
            counter.GetProperty("name").GetString(), counter.GetProperty("host").GetString(), counter.GetProperty("vm").GetString(), counter.GetProperty("status").GetString(), counter.GetProperty("cgroup").GetString()));
        Assert.Equal(("/bin/counter", pid, threads), (
            counter.GetProperty("command").GetString(), counter.GetProperty("pid").GetInt32().ToString(CultureInfo.InvariantCulture), counter.GetProperty("threads").GetInt32().ToString(CultureInfo.InvariantCulture)));
    }

    private async Task<Dictionary<string, JsonElement>> ListAsync(string what)
    {
        Run run = await _hosts.WatariAsync(what, "-o", "json");
        Assert.Equal((0, ""), (run.Code, run.Error));
        return JsonDocument.Parse(run.Out).RootElement.EnumerateArray().ToDictionary(item => item.GetProperty("name").GetString()!);
    }
}
