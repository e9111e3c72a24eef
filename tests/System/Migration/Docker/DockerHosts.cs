using Watari.Guests;
using Watari.SystemTests.Migration.Faults;

namespace Watari.SystemTests.Migration.Docker;

/// <summary>Two hosts whose guests run Docker, of one state, so that an image is the same in both; a migration can be held at its fault points.</summary>
public sealed class DockerHosts : IAsyncLifetime
{
    public HeldPoints Points { get; } = new();

    public TwoHosts Hosts { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        GuestOptions guest = new() { Setup = "watari-docker", MemoryMiB = 768 };
        Hosts = await TwoHosts.StartAsync(new TwoHostsOptions { Faults = Points.Faults, GuestA = guest, GuestB = guest }, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Hosts.DisposeAsync();
        Points.Dispose();
    }

    [CollectionDefinition(nameof(DockerHosts))]
    public sealed class Sharing : ICollectionFixture<DockerHosts>;
}
