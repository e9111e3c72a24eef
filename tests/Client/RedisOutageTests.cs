using System.Diagnostics;
using System.Text.Json;
using Watari.Processes;
using Watari.Redis;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>
/// The server dies while a command of a migration runs at its host. That command has come to its engine by then, for a host that hears
/// of a job for the first time asks the server whether it may.
/// </summary>
public sealed class RedisOutageTests
{
    /// <summary>It is back soon after the command has ended: the write of its result has waited for it.</summary>
    [Theory]
    [InlineData("freeze")]
    [InlineData("thaw")]
    public async Task it_is_soon_started_again_and_the_job_goes_on(string command)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        // The write's time must not be over before the server is back, on a machine that is slow either.
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync($"{redis.ConnectionString},asyncTimeout=60000");
        using ScriptedOrder hold = cluster.Hold(command);
        using Process watari = cluster.Processes.StartWatari("migrate", "redis", "--to", "vm-b", "-o", "json");
        await cluster.UntilReachedAsync(hold);

        await redis.KillAsync();
        hold.Dispose();
        await cluster.UntilDoneAsync(command);
        await redis.StartAgainAsync();
        Run run = await WatariProcesses.EndAsync(watari);

        Assert.Equal(0, run.Code);
        cluster.AssertRunsOnlyIn("host-b");
        AssertDecidedOnce(JsonDocument.Parse(run.Out).RootElement, epoch: 1);
    }

    /// <summary>It stays away for so long that the write of the command's result fails: what it has on disk decides when it is back.</summary>
    [Theory]
    [InlineData("freeze", "host-a")]
    [InlineData("restore", "host-a")]
    [InlineData("thaw", "host-b")]
    public async Task it_comes_back_late_and_what_it_kept_decides(string command, string runsAtTheEnd)
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync(redis.ConnectionString);
        using ScriptedOrder hold = cluster.Hold(command);
        using Process watari = cluster.Processes.StartWatari("migrate", "redis", "--to", "vm-b");
        await cluster.UntilReachedAsync(hold);

        await redis.KillAsync();
        hold.Dispose();
        await cluster.Processes.UntilSilosSayAsync("reads its state again", skip: 0, TestContext.Current.CancellationToken);
        await redis.StartAgainAsync();
        Run run = await WatariProcesses.EndAsync(watari);
        string job = Assert.Single(await cluster.JobsOfAsync("redis")).GetProperty("id").GetString()!;
        JsonElement end = JsonDocument.Parse((await KilledSiloTests.EndOfAsync(cluster, job)).Out).RootElement;

        Assert.Equal(runsAtTheEnd == "host-b" ? 0 : 5, run.Code);
        cluster.AssertRunsOnlyIn(runsAtTheEnd);
        AssertDecidedOnce(end, epoch: 2);
    }

    private static void AssertDecidedOnce(JsonElement job, int epoch)
    {
        Assert.Equal(epoch, job.GetProperty("epoch").GetInt32());
        string?[] states = [.. job.GetProperty("history").EnumerateArray().Select(h => h.GetProperty("state").GetString())];
        Assert.Equal(states.Distinct(), states);
    }
}
