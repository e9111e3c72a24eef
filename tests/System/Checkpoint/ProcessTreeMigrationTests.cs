using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Checkpoint;

/// <summary>Plain trees of processes, named by a pid, moved from VM to VM.</summary>
public sealed class ProcessTreeMigrationTests
{
    /// <summary>Orphans that have ended are there until init has seen it.</summary>
    private const string UntilReaped = "i=0; while pgrep kinds >/dev/null && [ $i -lt 100 ]; do i=$((i+1)); sleep 0.1; done; pgrep kinds";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_tree_of_processes_moves_there_and_back_with_all_that_it_holds()
    {
        await using TwoHosts hosts = await TwoHosts.StartAsync(cancellation: Cancellation);
        await PlainKinds.PrepareAsync(hosts.B.Guest);
        string pid = await PlainKinds.StartAsync(hosts.A.Guest);

        await MoveAsync(hosts, pid, hosts.A, hosts.B);
        await MoveAsync(hosts, pid, hosts.B, hosts.A);
    }

    private static async Task MoveAsync(TwoHosts hosts, string pid, TestHost from, TestHost to)
    {
        Run run = await hosts.WatariAsync("migrate", "--pid", pid, "--from", from.Guest.Name, "--to", to.Guest.Name, "-o", "json");
        Assert.True(run.Code == 0, $"{run.Error}\n{string.Join('\n', hosts.Processes.Log)}");
        Assert.Equal("done", JsonDocument.Parse(run.Out).RootElement.GetProperty("state").GetString());

        string kinds = await to.Guest.Console.CheckAsync($"{PlainKinds.Program} --check || true", StockGuest.Patience, Cancellation);
        Assert.NotEmpty(kinds);
        Assert.All(kinds.Split('\n'), line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
        Assert.Equal(pid, await to.Guest.Console.CheckAsync($"pgrep -of '{PlainKinds.Program} --plain'", StockGuest.Patience, Cancellation));
        Assert.Equal("", (await from.Guest.Console.RunAsync(UntilReaped, StockGuest.Patience, Cancellation)).Output);
        Assert.Empty(await from.Inside.TracesOfAsync("kinds", Cancellation));
        Assert.Empty(await to.Inside.TracesOfAsync("kinds", Cancellation));
        Assert.Empty(await from.Inside.ComplaintsAsync(Cancellation));
        Assert.Empty(await to.Inside.ComplaintsAsync(Cancellation));
    }
}
