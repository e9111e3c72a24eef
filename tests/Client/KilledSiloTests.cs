using System.Diagnostics;
using System.Text.Json;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>
/// Silos that die by SIGKILL in the middle of a migration that they lead, at a point that is armed in all of them: whichever leads the
/// job dies. Another takes the job over, the dead are started again, and one copy runs.
/// </summary>
public sealed class KilledSiloTests
{
    [Theory]
    [InlineData("prepare.after", "host-a")]
    [InlineData("freeze.after", "host-a")]
    [InlineData("restore.after", "host-a")]
    [InlineData("write.Committed.before", "host-a")]
    [InlineData("write.Committed.after", "host-b")]
    [InlineData("thaw.after", "host-b")]
    public async Task the_leading_silo_dies_and_one_copy_runs(string point, string runsAtTheEnd)
    {
        await using var cluster = new ScriptedCluster();
        await Task.WhenAll(cluster.StartSiloAsync("host-a", $"{point}=kill"), cluster.StartSiloAsync("host-b", $"{point}=kill"));
        string job = (await cluster.Processes.WatariAsync("migrate", "redis", "--to", "vm-b", "--detach")).Out.Trim();

        Task first = await Task.WhenAny(cluster.Processes.Silo("host-a").Process.WaitForExitAsync(Limit()), cluster.Processes.Silo("host-b").Process.WaitForExitAsync(Limit()));
        await first;
        Run watched = await EndOfAsync(cluster, job);

        cluster.AssertRunsOnlyIn(runsAtTheEnd);
        Assert.Equal(runsAtTheEnd == "host-b" ? 0 : 5, watched.Code);
        Assert.True(JsonDocument.Parse(watched.Out).RootElement.GetProperty("epoch").GetInt32() > 1);
    }

    [Fact]
    public async Task all_silos_die_and_the_job_goes_on_when_they_are_back()
    {
        await using var cluster = new ScriptedCluster();
        await Task.WhenAll(cluster.StartSiloAsync("host-a", pace: 2000), cluster.StartSiloAsync("host-b", pace: 2000));
        using Process watari = cluster.Processes.StartWatari("migrate", "redis", "--to", "vm-b");
        while (await watari.StandardError.ReadLineAsync(Limit()) is { } line && !line.StartsWith("redis: frozen", StringComparison.Ordinal))
        {
        }

        await Task.WhenAll(cluster.Processes.Silo("host-a").KillAsync(Limit()), cluster.Processes.Silo("host-b").KillAsync(Limit()));
        await Task.WhenAll(cluster.StartSiloAsync("host-a"), cluster.StartSiloAsync("host-b"));
        Run run = await WatariProcesses.EndAsync(watari);

        Assert.Equal(5, run.Code);
        Assert.Contains("redis runs on in host-a/vm-a", run.Error, StringComparison.Ordinal);
        cluster.AssertRunsOnlyIn("host-a");
    }

    /// <summary>
    /// Starts what is dead again and watches, until the job is at its end: a point after the commit goes off in the silo that takes the
    /// job over, too, and watching ends early where only tidying up is left.
    /// </summary>
    internal static async Task<Run> EndOfAsync(ScriptedCluster cluster, string job)
    {
        CancellationToken limit = Limit();
        while (true)
        {
            foreach (string host in new[] { "host-a", "host-b" })
            {
                if (cluster.Processes.Silo(host).Process.HasExited) await cluster.StartSiloAsync(host);
            }

            Run watched = await cluster.Processes.WatariAsync("jobs", "watch", job, "-o", "json");
            limit.ThrowIfCancellationRequested();
            if (watched.Out.Length > 0 && JsonDocument.Parse(watched.Out).RootElement.GetProperty("ended").ValueKind != JsonValueKind.Null) return watched;
        }
    }

    private static CancellationToken Limit() => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;
}
