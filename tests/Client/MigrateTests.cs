using System.Diagnostics;
using System.Text.Json;
using Watari.Processes;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>Migrations as a person and as a script meet them, each of a container of its own.</summary>
public sealed class MigrateTests(TwoHosts hosts)
{
    [Fact]
    public async Task a_migration_there_and_back_prints_its_result_alone_on_stdout_and_no_escape_codes()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();

        Run there = await cluster.Processes.WatariAsync("migrate", container, "--to", "vm-b");
        cluster.AssertRunsOnlyIn("host-b", container);
        Run back = await cluster.Processes.WatariAsync("migrate", container, "--to", "host-a/vm-a", "-o", "json");
        cluster.AssertRunsOnlyIn("host-a", container);

        Assert.Equal((0, 0), (there.Code, back.Code));
        Assert.Matches($@"^migrated {container} host-a/vm-a -> host-b/vm-b in [\d.]+ s, downtime [\d.]+ ms \(freeze .*thaw .*\), 25 MiB sent \(60 % zero or known\)\n$", there.Out);
        Assert.Contains($"{container}: done\n", there.Error, StringComparison.Ordinal);
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
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        using Process watari = cluster.Processes.StartWatari("migrate", container, "--to", "vm-b");
        await WatariProcesses.UntilSaysAsync(watari, $"{container}: preparing");

        await WatariProcesses.SignalAsync(watari, "INT");
        Run run = await WatariProcesses.EndAsync(watari);

        Assert.Equal(130, run.Code);
        Assert.Contains($"cancelled: {container} runs on in host-a/vm-a", run.Error, StringComparison.Ordinal);
        cluster.AssertRunsOnlyIn("host-a", container);
    }

    [Fact]
    public async Task ctrl_c_twice_detaches_and_names_the_job_which_goes_on()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);
        using ScriptedOrder rollBack = cluster.Hold("roll-back-destination", container);
        using Process watari = cluster.Processes.StartWatari("migrate", container, "--to", "vm-b");
        await WatariProcesses.UntilSaysAsync(watari, $"{container}: preparing");

        await WatariProcesses.SignalAsync(watari, "INT");
        await WatariProcesses.UntilSaysAsync(watari, "watari: cancelling");
        await WatariProcesses.SignalAsync(watari, "INT");
        Run run = await WatariProcesses.EndAsync(watari);
        rollBack.Dispose();
        string job = run.Error.Split("'watari jobs watch ")[1].Split('\'')[0];
        Run watched = await cluster.WatariAsync("jobs", "watch", job);

        Assert.Equal(130, run.Code);
        Assert.Equal(130, watched.Code);
        cluster.AssertRunsOnlyIn("host-a", container);
    }

    [Theory]
    [InlineData("plan", "2s", 4, "refused: The migration was not ready to commit after 2 s. {0} runs on in host-a/vm-a; nothing was touched")]
    [InlineData("restore", "15s", 5, "failed: The migration was not ready to commit after 15 s. {0} runs on in host-a/vm-a")]
    public async Task a_migration_that_is_not_ready_in_time_turns_back_and_says_so(string hangs, string timeout, int code, string says)
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold(hangs, container);

        Run run = await cluster.WatariAsync("migrate", container, "--to", "vm-b", "--timeout", timeout);

        Assert.Equal((code, $"watari: {string.Format(null, says, container)}"), (run.Code, run.Error.TrimEnd().Split('\n')[^1]));
        cluster.AssertRunsOnlyIn("host-a", container);
    }

    [Fact]
    public async Task a_job_that_cannot_clean_its_destination_is_listed_and_forgotten()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder fail = ScriptedOrder.Fail(cluster.World, "restore", container);
        using ScriptedOrder hold = cluster.Hold("roll-back-destination", container);
        Run run = await cluster.WatariAsync("migrate", container, "--to", "vm-b");
        string job = Assert.Single(await cluster.JobsOfAsync(container)).GetProperty("id").GetString()!;

        Run listed = await cluster.WatariAsync("jobs", "ls");
        Run forgotten = await cluster.WatariAsync("jobs", "forget", job[..5]);
        Run ids = await cluster.WatariAsync("jobs", "ls", "-q");

        Assert.Equal(5, run.Code);
        Assert.Contains("cleaning", Assert.Single(listed.Out.Split('\n'), line => line.StartsWith(job, StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(
            (0, $"forgotten: {container} runs on in host-a/vm-a; what was made of it in host-b/vm-b is left there and has never run\n"),
            (forgotten.Code, forgotten.Out));
        Assert.DoesNotContain(job, ids.Out.Split('\n'));
    }

    [Fact]
    public async Task a_detached_job_is_shown_watched_and_cancelled_by_its_id()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using ScriptedOrder hold = cluster.Hold("prepare", container);

        string job = (await cluster.WatariAsync("migrate", container, "--to", "vm-b", "--detach")).Out.Trim();
        Run cancelled = await cluster.WatariAsync("jobs", "cancel", job);
        Run shown = await cluster.WatariAsync("jobs", "show", job[..5], "-o", "json");

        Assert.Equal((0, $"cancelled: {container} {JsonDocument.Parse(shown.Out).RootElement.GetProperty("whereabouts").GetString()}\n"), (cancelled.Code, cancelled.Out));
        Assert.Equal("rolled-back", JsonDocument.Parse(shown.Out).RootElement.GetProperty("state").GetString());
        Assert.Equal(job, Assert.Single(await cluster.JobsOfAsync(container)).GetProperty("id").GetString());
        cluster.AssertRunsOnlyIn("host-a", container);
    }
}
