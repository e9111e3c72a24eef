using System.Diagnostics;
using System.Text.Json;
using Watari.Processes;
using Watari.Scripted;

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
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync(findsDeadSilos: true, faults: $"{point}=kill");
        string job = (await cluster.WatariAsync("migrate", "redis", "--to", "vm-b", "--detach")).Out.Trim();

        await await Task.WhenAny(cluster.Processes.Silo("host-a").Process.WaitForExitAsync(Limit()), cluster.Processes.Silo("host-b").Process.WaitForExitAsync(Limit()));
        Run watched = await EndOfAsync(cluster, job);

        cluster.AssertRunsOnlyIn(runsAtTheEnd);
        Assert.Equal(runsAtTheEnd == "host-b" ? 0 : 5, watched.Code);
        Assert.True(JsonDocument.Parse(watched.Out).RootElement.GetProperty("epoch").GetInt32() > 1);
    }

    [Fact]
    public async Task all_silos_die_and_the_job_goes_on_when_they_are_back()
    {
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync(findsDeadSilos: true);
        using ScriptedOrder hold = cluster.Hold("capture");
        using Process watari = cluster.Processes.StartWatari("migrate", "redis", "--to", "vm-b");
        await WatariProcesses.UntilSaysAsync(watari, "redis: frozen");

        await Task.WhenAll(cluster.Processes.Silo("host-a").KillAsync(Limit()), cluster.Processes.Silo("host-b").KillAsync(Limit()));
        await cluster.StartSilosAsync();
        Run run = await WatariProcesses.EndAsync(watari);

        Assert.Equal(5, run.Code);
        Assert.Contains("redis runs on in host-a/vm-a", run.Error, StringComparison.Ordinal);
        cluster.AssertRunsOnlyIn("host-a");
    }

    /// <summary>
    /// Watches until the job is at its end, which is later than where watching ends if only tidying up is left, and starts again what
    /// dies meanwhile: a point after the commit goes off in the silo that takes the job over, too.
    /// </summary>
    internal static async Task<Run> EndOfAsync(ScriptedCluster cluster, string job)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Limit());
        Task alive = Task.WhenAll(KeepAliveAsync(cluster, "host-a", over.Token), KeepAliveAsync(cluster, "host-b", over.Token));
        try
        {
            while (true)
            {
                Run watched = await cluster.WatariAsync("jobs", "watch", job, "-o", "json");
                over.Token.ThrowIfCancellationRequested();
                if (watched.Out.Length > 0 && JsonDocument.Parse(watched.Out).RootElement.GetProperty("ended").ValueKind != JsonValueKind.Null) return watched;
            }
        }
        finally
        {
            await over.CancelAsync();
            await alive;
        }
    }

    private static async Task KeepAliveAsync(ScriptedCluster cluster, string host, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await cluster.Processes.Silo(host).Process.WaitForExitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cluster.Processes.Silo(host).Process.HasExited) await cluster.StartSiloAsync(host);
        }
    }

    private static CancellationToken Limit() => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token;
}
