using System.Diagnostics;
using System.Text.Json;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>The console as a person and as a script meet it: real processes, real silos.</summary>
public sealed class ConsoleTests(ConsoleTests.TwoHosts hosts) : IClassFixture<ConsoleTests.TwoHosts>
{
    private readonly ScriptedCluster _cluster = hosts.Cluster;

    [Fact]
    public async Task what_there_is_is_listed()
    {
        Run names = await _cluster.Processes.WatariAsync("hosts", "-o", "json");
        Run vms = await _cluster.Processes.WatariAsync("vms");
        Run ids = await _cluster.Processes.WatariAsync("ps", "--vm", "vm-a", "-q");

        Assert.Equal(["host-a", "host-b"], JsonDocument.Parse(names.Out).RootElement.EnumerateArray().Select(h => h.GetProperty("name").GetString()));
        Assert.Equal(["NAME", "vm-a", "vm-b"], vms.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]));
        Assert.Contains("redis", ids.Out.Split('\n'));
    }

    [Theory]
    [InlineData("migrate nothing --to vm-b", 3, "There is no container 'nothing' (there are:")]
    [InlineData("migrate redis --to vm-x", 3, "There is no VM 'vm-x' (there are: host-a/vm-a, host-b/vm-b)")]
    [InlineData("migrate redis --to host-x/vm-b", 3, "There is no host 'host-x' (there are: host-a, host-b)")]
    [InlineData("migrate redis --from host-b/vm-b --to vm-a", 3, "There is no container 'redis' in host-b/vm-b (there are: none)")]
    [InlineData("migrate redis --to vm-a", 4, "is in host-a/vm-a already")]
    [InlineData("migrate packet --to vm-b", 4, "packet sockets are not carried")]
    [InlineData("migrate packet --to vm-b --dry-run", 4, "packet sockets are not carried")]
    [InlineData("migrate --pid 4711 --from vm-a --to vm-b", 3, "There is no container 'pid 4711' in host-a/vm-a")]
    [InlineData("jobs show nothing", 3, "There is no job 'nothing'")]
    [InlineData("jobs cancel nothing", 3, "There is no job 'nothing'")]
    public async Task what_cannot_be_done_is_said_with_a_hint_and_a_code(string line, int code, string says)
    {
        Run run = await _cluster.Processes.WatariAsync(line.Split(' '));

        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Equal(code, run.Code);
    }

    [Fact]
    public async Task a_dry_run_touches_nothing()
    {
        Run run = await _cluster.Processes.WatariAsync("migrate", "redis", "--to", "vm-b", "--dry-run", "-o", "json");

        Assert.Equal(0, run.Code);
        Assert.True(JsonDocument.Parse(run.Out).RootElement.GetProperty("accepted").GetBoolean());
        Assert.DoesNotContain(_cluster.World.Read().Journal, line => line.Contains("redis", StringComparison.Ordinal) && line.Contains("freeze", StringComparison.Ordinal));
    }

    [Fact]
    public async Task a_checkpoint_is_saved_on_the_host_and_the_container_runs_on()
    {
        using var folder = new Folder();

        Run run = await _cluster.Processes.WatariAsync("checkpoint", "web", "--vm", "vm-a", "--output", folder.Path, "--leave-running");

        Assert.Equal((0, ""), (run.Code, run.Code == 0 ? "" : run.Error));
        Assert.StartsWith($"saved web of host-a/vm-a to {folder.Path}", run.Out, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder.Path, "inventory.img")));
        _cluster.AssertRunsOnlyIn("host-a", "web");
    }

    public sealed class TwoHosts : IAsyncLifetime
    {
        public ScriptedCluster Cluster { get; } = new();

        public async ValueTask InitializeAsync() => await Task.WhenAll(Cluster.StartSiloAsync("host-a"), Cluster.StartSiloAsync("host-b"));

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("watari-images-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}

/// <summary>Migrations from the console, each with a cluster of its own.</summary>
public sealed class MigrateTests
{
    [Fact]
    public async Task a_migration_there_and_back_prints_its_result_alone_on_stdout_and_no_escape_codes()
    {
        await using ScriptedCluster cluster = await Cluster();

        Run there = await cluster.Processes.WatariAsync("migrate", "redis", "--to", "vm-b");
        cluster.AssertRunsOnlyIn("host-b");
        Run back = await cluster.Processes.WatariAsync("migrate", "redis", "--to", "host-a/vm-a", "-o", "json");
        cluster.AssertRunsOnlyIn("host-a");

        Assert.Equal((0, 0), (there.Code, back.Code));
        Assert.Matches(@"^migrated redis host-a/vm-a -> host-b/vm-b in [\d.]+ s, downtime [\d.]+ ms \(freeze .*thaw .*\), 25 MiB sent \(60 % zero or known\)\n$", there.Out);
        Assert.Contains("redis: done\n", there.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', there.Out + there.Error + back.Out + back.Error);
        JsonElement json = JsonDocument.Parse(back.Out).RootElement;
        Assert.Equal("done", json.GetProperty("state").GetString());
        Assert.Equal(9984, json.GetProperty("transfer").GetProperty("zeroPages").GetInt64());
        Assert.True(json.GetProperty("downtime").GetProperty("milliseconds").GetDouble() > 0);
        Assert.NotEqual(0, json.GetProperty("phases").GetArrayLength());
    }

    [Fact]
    public async Task without_a_silo_the_console_says_what_to_start()
    {
        await using var cluster = new ScriptedCluster();

        Run run = await cluster.Processes.WatariAsync("hosts");

        Assert.Equal(3, run.Code);
        Assert.Contains("No silo runs in the cluster at", run.Error, StringComparison.Ordinal);
        Assert.Contains("watari-silo --host NAME", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ctrl_c_turns_the_migration_back_and_waits_until_the_source_runs()
    {
        await using ScriptedCluster cluster = await Cluster(pace: 1500);
        using Process watari = cluster.Processes.StartWatari("migrate", "redis", "--to", "vm-b");
        await WatariProcesses.UntilSaysAsync(watari, "redis: preparing"); // a state that ends soon may pass unseen: progress drops what is old

        await WatariProcesses.SignalAsync(watari, "INT");
        Run run = await WatariProcesses.EndAsync(watari);

        Assert.Equal(130, run.Code);
        Assert.Contains("cancelled: redis runs on in host-a/vm-a", run.Error, StringComparison.Ordinal);
        cluster.AssertRunsOnlyIn("host-a");
    }

    [Fact]
    public async Task ctrl_c_twice_detaches_and_names_the_job_which_goes_on()
    {
        await using ScriptedCluster cluster = await Cluster(pace: 1500);
        using Process watari = cluster.Processes.StartWatari("migrate", "redis", "--to", "vm-b");
        await WatariProcesses.UntilSaysAsync(watari, "redis: preparing"); // a state that ends soon may pass unseen: progress drops what is old

        await WatariProcesses.SignalAsync(watari, "INT");
        await WatariProcesses.UntilSaysAsync(watari, "watari: cancelling");
        await WatariProcesses.SignalAsync(watari, "INT");
        Run run = await WatariProcesses.EndAsync(watari);
        string job = run.Error.Split("'watari jobs watch ")[1].Split('\'')[0];
        Run watched = await cluster.Processes.WatariAsync("jobs", "watch", job);

        Assert.Equal(130, run.Code);
        Assert.Equal(130, watched.Code);
        cluster.AssertRunsOnlyIn("host-a");
    }

    [Theory]
    [InlineData("plan.before", "2s", 4, "refused: The migration was not ready to commit after 2 s. redis runs on in host-a/vm-a; nothing was touched")]
    [InlineData("restore.before", "15s", 5, "failed: The migration was not ready to commit after 15 s. redis runs on in host-a/vm-a")]
    public async Task a_migration_that_is_not_ready_in_time_turns_back_and_says_so(string hangsAt, string timeout, int code, string says)
    {
        await using ScriptedCluster cluster = await Cluster(faults: $"{hangsAt}=hang");

        Run run = await cluster.Processes.WatariAsync("migrate", "redis", "--to", "vm-b", "--timeout", timeout);

        Assert.Equal((code, $"watari: {says}"), (run.Code, run.Error.TrimEnd().Split('\n')[^1]));
        cluster.AssertRunsOnlyIn("host-a");
    }

    [Fact]
    public async Task a_job_that_cannot_clean_its_destination_is_listed_and_forgotten()
    {
        await using ScriptedCluster cluster = await Cluster(faults: "restore.before=fail,roll-back-destination.before=hang");
        Run run = await cluster.Processes.WatariAsync("migrate", "redis", "--to", "vm-b");
        string job = (await cluster.Processes.WatariAsync("jobs", "ls", "-q")).Out.Trim();

        Run listed = await cluster.Processes.WatariAsync("jobs", "ls");
        Run forgotten = await cluster.Processes.WatariAsync("jobs", "forget", job[..5]);
        Run empty = await cluster.Processes.WatariAsync("jobs", "ls", "-q");

        Assert.Equal(5, run.Code);
        Assert.Contains("cleaning", listed.Out, StringComparison.Ordinal);
        Assert.Equal(
            (0, "forgotten: redis runs on in host-a/vm-a; what was made of it in host-b/vm-b is left there and has never run\n"),
            (forgotten.Code, forgotten.Out));
        Assert.Equal("", empty.Out);
    }

    [Fact]
    public async Task a_detached_job_is_shown_watched_and_cancelled_by_its_id()
    {
        await using ScriptedCluster cluster = await Cluster(pace: 1500);

        string job = (await cluster.Processes.WatariAsync("migrate", "redis", "--to", "vm-b", "--detach")).Out.Trim();
        Run cancelled = await cluster.Processes.WatariAsync("jobs", "cancel", job);
        Run shown = await cluster.Processes.WatariAsync("jobs", "show", job[..5], "-o", "json");
        Run listed = await cluster.Processes.WatariAsync("jobs", "ls", "-o", "json");

        Assert.Equal((0, $"cancelled: redis {JsonDocument.Parse(shown.Out).RootElement.GetProperty("whereabouts").GetString()}\n"), (cancelled.Code, cancelled.Out));
        Assert.Equal("rolled-back", JsonDocument.Parse(shown.Out).RootElement.GetProperty("state").GetString());
        Assert.Equal(job, Assert.Single(JsonDocument.Parse(listed.Out).RootElement.EnumerateArray()).GetProperty("id").GetString());
        cluster.AssertRunsOnlyIn("host-a");
    }

    private static async Task<ScriptedCluster> Cluster(string faults = "", int pace = 0)
    {
        var cluster = new ScriptedCluster();
        await Task.WhenAll(cluster.StartSiloAsync("host-a", faults, pace), cluster.StartSiloAsync("host-b", faults, pace));
        return cluster;
    }
}
