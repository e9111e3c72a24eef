using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Checkpoint;

/// <summary>What <c>watari checkpoint</c> saves, in the eyes of the runtimes that Debian ships, in a guest that has no code of ours.</summary>
public sealed class StockRestoreTests(CheckpointHost host) : IClassFixture<CheckpointHost>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Containers_that_were_saved_go_on_in_another_guest_restored_by_stock_runc()
    {
        string[] containers = ["redis", "counter", "kinds"];
        foreach (string container in containers) await host.Containers.RunAsync(container, cancellation: Cancellation);
        await host.Containers.FillRedisAsync("redis", 5, Cancellation);
        string digest = await host.Containers.DigestAsync(cancellation: Cancellation);

        await SaveAsync("redis");
        await SaveAsync("counter", "--leave-running");
        await SaveAsync("kinds", "--leave-running");

        // Without --leave-running it has ended; with it, it runs on.
        Assert.Equal("stopped", await host.Containers.StatusAsync("redis", Cancellation));
        Assert.Equal("running", await host.Containers.StatusAsync("counter", Cancellation));
        Assert.True((await host.Containers.ReportAsync(cancellation: Cancellation)).GetProperty("intact").GetBoolean());
        await AssertKindsAsync(host.Guest, "runc exec kinds /bin/kinds");

        await using StockGuest stock = await StockGuest.StartAsync();
        foreach (string container in containers) await stock.RestoreContainerAsync(container, FolderOf(container));
        var restored = new GuestContainers(stock.Guest);
        Assert.Equal(digest, await restored.DigestAsync(cancellation: Cancellation));
        JsonElement report = await restored.ReportAsync(cancellation: Cancellation);
        Assert.True(report.GetProperty("intact").GetBoolean(), report.GetRawText());
        await AssertKindsAsync(stock.Guest, "runc exec kinds /bin/kinds");
    }

    [Fact]
    public async Task A_tree_of_processes_that_was_saved_by_its_pid_goes_on_restored_by_stock_criu()
    {
        string pid = await PlainKinds.StartAsync(host.Guest);
        Run run = await host.WatariAsync("checkpoint", "--pid", pid, "--vm", "vm-a", "--directory", FolderOf("tree"), "--leave-running");
        Assert.True(run.Code == 0, run.Error);
        await AssertKindsAsync(host.Guest, PlainKinds.Program);
        await CritAssert.ShowsAllAsync(FolderOf("tree"));

        await using StockGuest stock = await StockGuest.StartAsync();
        await PlainKinds.PrepareAsync(stock.Guest);
        await stock.RestoreTreeAsync(FolderOf("tree"));
        await AssertKindsAsync(stock.Guest, PlainKinds.Program);
    }

    [Theory]
    [InlineData("deleted_memory_file")]
    [InlineData("inotify_on_disk")]
    [InlineData("stopped_child")]
    [InlineData("killed_child")]
    [InlineData("real_time_scheduling")]
    [InlineData("other_root")]
    [InlineData("root_in_child")]
    public async Task What_is_out_of_the_ordinary_and_not_refused_is_carried(string oddity)
    {
        string pid = await host.Guest.Console.CheckAsync($"odd {oddity}", StockGuest.Patience, Cancellation);
        Run run = await host.WatariAsync("checkpoint", "--pid", pid, "--vm", "vm-a", "--directory", FolderOf(oddity));
        Assert.True(run.Code == 0, run.Error);
        Assert.NotEqual(0, (await host.Guest.Console.RunAsync($"kill -0 {pid}", cancellation: Cancellation)).ExitCode);

        await using StockGuest stock = await StockGuest.StartAsync();
        await stock.RestoreTreeAsync(FolderOf(oddity));
        string verdict = await stock.Guest.Console.CheckAsync($"kill -USR1 {pid}; until [ -s {AnswerOf(oddity, pid)} ]; do :; done; cat {AnswerOf(oddity, pid)}", StockGuest.Patience, Cancellation);
        Assert.Equal("ok", verdict);
    }

    /// <summary>Where it writes its verdict: below its own root.</summary>
    private static string AnswerOf(string oddity, string pid) =>
        (oddity == "other_root" ? "/var/lib/watari/bundles/kinds/rootfs" : "") + $"/run/odd.{pid}";

    private static async Task AssertKindsAsync(Guest guest, string program)
    {
        string kinds = await guest.Console.CheckAsync($"{program} --check || true", StockGuest.Patience, Cancellation);
        Assert.NotEmpty(kinds);
        Assert.All(kinds.Split('\n'), line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
    }

    private async Task SaveAsync(string container, params string[] more)
    {
        Run run = await host.WatariAsync(["checkpoint", container, "--directory", FolderOf(container), .. more]);
        Assert.True(run.Code == 0, run.Error);
        Assert.StartsWith($"saved {container} of host-a/vm-a to {FolderOf(container)} ", run.Out, StringComparison.Ordinal);
        await CritAssert.ShowsAllAsync(FolderOf(container));
    }

    private string FolderOf(string name) => Path.Combine(host.Folder, name);
}
