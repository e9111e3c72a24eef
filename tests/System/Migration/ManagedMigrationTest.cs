using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>A test that moves the container web of an engine from vm-a to vm-b.</summary>
/// <param name="hosts">Hosts that outlive it.</param>
/// <param name="a">The container as vm-a has it.</param>
/// <param name="b">As vm-b has it.</param>
/// <param name="running">What its traces are where it runs and nothing else is.</param>
public abstract class ManagedMigrationTest(TwoHosts hosts, ManagedWeb a, ManagedWeb b, string running) : MigrationTest(hosts)
{
    private readonly TwoHosts _hosts = hosts;

    /// <summary>It runs in vm-a, and nothing of it is in vm-b.</summary>
    protected async Task StartAsync(string options = "", string image = "localhost/busybox")
    {
        await Task.WhenAll(a.RemoveAsync(), b.RemoveAsync());
        await a.RunAsync(options, image);
    }

    protected async Task<JsonElement> MigrateAsync(string to, params string[] options)
    {
        Run run = await RunPatientlyAsync(_hosts, ["migrate", "web", "--to", to, "-o", "json", .. options]);
        Assert.True(run.Code == 0, run.Error);
        TestContext.Current.TestOutputHelper!.WriteLine(run.Out);
        return JsonDocument.Parse(run.Out).RootElement;
    }

    protected static void AssertRefused(Run run, params string[] says)
    {
        Assert.True(run.Code == 4, $"{run.Code} {run.Out}{run.Error}");
        Assert.All([.. says, "runs on in host-"], word => Assert.Contains(word, run.Error, StringComparison.Ordinal));
    }

    protected static void AssertTurnedBack(Run run, string says)
    {
        Assert.True(run.Code == 5, $"{run.Code} {run.Out}{run.Error}");
        Assert.All([says, "runs on in host-a/vm-a"], word => Assert.Contains(word, run.Error, StringComparison.Ordinal));
    }

    /// <summary>With the files that it had, and its counting.</summary>
    protected async Task AssertSourceGoesOnAsync(string files)
    {
        Assert.Equal(files, await a.FilesAsync());
        Assert.Equal(running, await a.TracesAsync());
        await a.CountsAsync();
        await MigrationAssert.KernelIsContentAsync(_hosts.A);
    }
}
