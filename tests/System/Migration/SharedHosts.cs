using Watari.Guests;

namespace Watari.SystemTests.Migration;

/// <summary>Two hosts that the tests of a class share. Each test leaves them as it found them.</summary>
public sealed class SharedHosts : IAsyncLifetime
{
    public TwoHosts Hosts { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Hosts = await TwoHosts.StartAsync(cancellation: TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Hosts.DisposeAsync();
}
