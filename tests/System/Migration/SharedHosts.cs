using Watari.Guests;

namespace Watari.SystemTests.Migration;

/// <summary>Two hosts that several tests share: in vm-a run a redis and a counter. Each test leaves them as it found them.</summary>
public sealed class SharedHosts : IAsyncLifetime
{
    public TwoHosts Hosts { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Hosts = await TwoHosts.StartAsync(cancellation: TestContext.Current.CancellationToken);
        await Hosts.A.Containers.RunAsync("redis");
        await Hosts.A.Containers.FillRedisAsync("redis", 5);
        await Hosts.A.Containers.RunAsync("counter");
    }

    public ValueTask DisposeAsync() => Hosts.DisposeAsync();
}
