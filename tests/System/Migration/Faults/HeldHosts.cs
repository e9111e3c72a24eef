using Watari.Guests;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>Two hosts whose migrations can be held, shared by the tests of faults that both hosts and VMs outlive.</summary>
public sealed class HeldHosts : IAsyncLifetime
{
    public HeldPoints Points { get; } = new();

    public TwoHosts Hosts { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        Hosts = await TwoHosts.StartAsync(new TwoHostsOptions { Faults = Points.Faults }, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Hosts.DisposeAsync();
        Points.Dispose();
    }

    /// <summary>The tests of several classes share them, one after another.</summary>
    [CollectionDefinition(nameof(HeldHosts))]
    public sealed class Sharing : ICollectionFixture<HeldHosts>;
}
