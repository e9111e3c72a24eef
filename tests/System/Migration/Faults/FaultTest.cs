using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>A test of a migration of the counter from host-a to host-b in which something goes wrong.</summary>
/// <param name="shared">Hosts that outlive it.</param>
public abstract class FaultTest(HeldHosts? shared = null) : MigrationTest(shared?.Hosts)
{
    protected const string Container = "counter";

    /// <summary>What was in the source before anything happened.</summary>
    private IReadOnlyList<string> _before = [];

    /// <summary>Hosts of this test alone, whose migrations can be held, with the counter in vm-a.</summary>
    protected async Task<(TwoHosts Hosts, HeldPoints Points)> StartHeldHostsAsync()
    {
        var points = new HeldPoints();
        OnDispose(points.Dispose);
        TwoHosts hosts = await StartHostsAsync(new TwoHostsOptions { Faults = points.Faults });
        await RunCounterAsync(hosts);
        return (hosts, points);
    }

    /// <summary>The counter runs in vm-a and nowhere else.</summary>
    protected async Task RunCounterAsync(TwoHosts hosts)
    {
        if (await hosts.A.Containers.StatusAsync(Container, Cancellation) is null)
        {
            await hosts.B.Containers.RemoveAsync(Container, Cancellation);
            await hosts.A.Containers.RunAsync(Container, cancellation: Cancellation);
        }

        // A silo's first look at a VM takes its time on a busy machine; what follows is not about that.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        while (!(await hosts.WatariAsync("ps", "-q")).Out.Contains(Container, StringComparison.Ordinal)) limit.Token.ThrowIfCancellationRequested();
        _before = await hosts.A.Inside.FingerprintAsync(Cancellation);
    }

    /// <summary>The counter runs in the source as if nothing had been, and its guest holds nothing that was not there before.</summary>
    protected async Task AssertSourceIsAsBeforeAsync(TwoHosts hosts)
    {
        await AssertCountsAsync(hosts.A);
        Assert.Equal(_before, await hosts.A.Inside.FingerprintAsync(Cancellation));
        await MigrationAssert.KernelIsContentAsync(hosts.A);
    }

    /// <summary>It answers, so it runs; it has lost and repeated nothing.</summary>
    protected static async Task AssertCountsAsync(TestHost host) =>
        Assert.True((await host.Containers.ReportAsync(Container, Cancellation)).GetProperty("intact").GetBoolean());

    /// <summary>The console's exit code, and its last word.</summary>
    protected static void AssertEnded(Run run, int code, string says)
    {
        Assert.True(run.Code == code, $"exit code {run.Code}, not {code}: {run.Out}{run.Error}");
        Assert.Contains(says, (code == 0 ? run.Out : run.Error).TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }
}
