using Watari.Guests;
using Watari.Hypervisor;

namespace Watari.SystemTests.Migration;

/// <summary>What must be true of two hosts when a migration is over, however it ended.</summary>
internal static class MigrationAssert
{
    /// <summary>The law: one copy, that it runs, and that the other VM has nothing of it.</summary>
    public static async Task RunsOnlyInAsync(TestHost host, TestHost other, string container)
    {
        Assert.Equal("running", await host.Containers.StatusAsync(container, Cancellation));
        await RunsAsync(host);
        await NothingIsLeftInAsync(other, container);
    }

    /// <summary>Nothing of the container or of a migration of it, and a VM that runs.</summary>
    public static async Task NothingIsLeftInAsync(TestHost host, string container)
    {
        await RunsAsync(host);
        Assert.Empty(await host.Inside.TracesOfAsync(container, Cancellation));
    }

    public static async Task KernelIsContentAsync(TestHost host) => Assert.Empty(await host.Inside.ComplaintsAsync(Cancellation));

    /// <summary>All that a migration could touch in either guest: equal before and after means that it touched nothing.</summary>
    public static async Task<string[]> FingerprintAsync(TwoHosts hosts)
    {
        IReadOnlyList<string>[] both = await Task.WhenAll(hosts.A.Inside.FingerprintAsync(Cancellation), hosts.B.Inside.FingerprintAsync(Cancellation));
        return [.. both[0].Select(line => $"{hosts.A.Vm}: {line}"), .. both[1].Select(line => $"{hosts.B.Vm}: {line}")];
    }

    private static async Task RunsAsync(TestHost host) => Assert.Equal(RunState.Running, await host.VmStateAsync(Cancellation));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;
}
