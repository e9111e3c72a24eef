using System.Text.Json;
using Watari.Processes;
using Watari.Redis;

namespace Watari.Client.Tests;

/// <summary>Hosts that meet in Redis, as those of several machines do: real silos, a real server, and what becomes of a job when its silo dies.</summary>
public sealed class RedisClusterTests
{
    [Fact]
    public async Task a_container_is_migrated_and_listed_over_redis()
    {
        await using RedisServer redis = await RedisServer.StartAsync("secret");
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync(redis.ConnectionString);

        Run hosts = await cluster.WatariAsync("hosts", "-o", "json");
        Run there = await cluster.WatariAsync("migrate", "redis", "--to", "vm-b");
        Run back = await cluster.WatariAsync("migrate", "redis", "--to", "vm-a");
        Run jobs = await cluster.WatariAsync("jobs", "ls", "-o", "json");

        Assert.Equal(["host-a", "host-b"], JsonDocument.Parse(hosts.Out).RootElement.EnumerateArray().Select(h => h.GetProperty("name").GetString()));
        Assert.Equal((0, 0), (there.Code, back.Code));
        Assert.Equal(["done", "done"], JsonDocument.Parse(jobs.Out).RootElement.EnumerateArray().Select(j => j.GetProperty("state").GetString()));
        cluster.AssertRunsOnlyIn("host-a");
    }

    [Theory]
    [InlineData("restore.after", "host-a")]
    [InlineData("write.Committed.after", "host-b")]
    public async Task the_leading_silo_dies_and_the_job_goes_on_in_another(string point, string runsAtTheEnd)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync(redis.ConnectionString, findsDeadSilos: true, faults: $"{point}=kill");
        string job = (await cluster.WatariAsync("migrate", "redis", "--to", "vm-b", "--detach")).Out.Trim();

        await await Task.WhenAny(cluster.Processes.Silo("host-a").Process.WaitForExitAsync(Limit()), cluster.Processes.Silo("host-b").Process.WaitForExitAsync(Limit()));
        Run end = await KilledSiloTests.EndOfAsync(cluster, job);

        cluster.AssertRunsOnlyIn(runsAtTheEnd);
        Assert.Equal(runsAtTheEnd == "host-b" ? 0 : 5, end.Code);
        Assert.True(JsonDocument.Parse(end.Out).RootElement.GetProperty("epoch").GetInt32() > 1);
    }

    [Fact]
    public async Task a_silo_that_does_not_reach_redis_says_so_and_ends_with_1()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using var cluster = new ScriptedCluster(redis.ConnectionString);

        Run run = await cluster.SiloAsync("host-a");

        Assert.Equal((1, $"watari-silo: The Redis server at 127.0.0.1:{redis.Port} does not answer: see that it runs, and that this machine reaches it.\n"), (run.Code, run.Error));
    }

    [Fact]
    public async Task a_silo_that_does_not_know_the_password_says_so_and_ends_with_2()
    {
        await using RedisServer redis = await RedisServer.StartAsync("secret");
        await using var cluster = new ScriptedCluster($"127.0.0.1:{redis.Port},password=wrong");

        Run run = await cluster.SiloAsync("host-a");

        Assert.Equal(2, run.Code);
        Assert.Matches(@"^watari-silo: The Redis server at [\d.:]+ does not let us in \(WRONGPASS .*\): put the right 'password=' .*\n$", run.Error);
    }

    [Fact]
    public async Task the_console_says_what_is_wrong_with_redis_too()
    {
        await using RedisServer redis = await RedisServer.StartAsync("secret");
        await using var stranger = new ScriptedCluster($"127.0.0.1:{redis.Port},password=wrong");
        await using var alone = new ScriptedCluster(redis.ConnectionString);

        Run refused = await stranger.WatariAsync("hosts");
        Run empty = await alone.WatariAsync("hosts");
        await redis.KillAsync();
        Run silent = await alone.WatariAsync("hosts");

        Assert.Equal((2, 3, 3), (refused.Code, empty.Code, silent.Code));
        Assert.Contains("does not let us in", refused.Error, StringComparison.Ordinal);
        Assert.Contains($"No silo runs in the cluster at redis 127.0.0.1:{redis.Port}", empty.Error, StringComparison.Ordinal);
        Assert.Contains("does not answer", silent.Error, StringComparison.Ordinal);
    }

    private static CancellationToken Limit() => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;
}
