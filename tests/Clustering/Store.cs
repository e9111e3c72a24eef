using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Messaging;
using Orleans.Storage;

namespace Watari.Clustering.Tests;

/// <summary>
/// What a silo, or a client, of a cluster is given by <see cref="ClusteringExtensions"/>, without the silo around it. Each stands for a
/// process: it shares nothing with another but the file or the server.
/// </summary>
internal sealed class Store : IAsyncDisposable
{
    private readonly IHost _silo;
    private readonly SiloLifecycleSubject _lifecycle = new(NullLogger<SiloLifecycleSubject>.Instance);

    private Store(IHost silo) => _silo = silo;

    public IGrainStorage Grains => _silo.Services.GetRequiredKeyedService<IGrainStorage>("Default");

    public IMembershipTable Members => _silo.Services.GetRequiredService<IMembershipTable>();

    public IReminderTable Reminders => _silo.Services.GetRequiredService<IReminderTable>();

    public static async Task<Store> OpenAsync(ClusteringOptions options)
    {
        HostApplicationBuilder builder = Builder();
        builder.UseOrleans(silo => silo.UseWatariClustering(options));
        var store = new Store(builder.Build());
        (store.Grains as ILifecycleParticipant<ISiloLifecycle>)?.Participate(store._lifecycle);
        await store._lifecycle.OnStart(CancellationToken.None);
        await store.Members.InitializeMembershipTableAsync(true);
        await store.Reminders.StartAsync(CancellationToken.None);
        return store;
    }

    /// <summary>The gateways that a client of the cluster finds.</summary>
    public static async Task<IList<Uri>> GatewaysAsync(ClusteringOptions options)
    {
        HostApplicationBuilder builder = Builder();
        builder.UseOrleansClient(client => client.UseWatariClustering(options));
        using IHost client = builder.Build();
        IGatewayListProvider gateways = client.Services.GetRequiredService<IGatewayListProvider>();
        await gateways.InitializeGatewayListProvider();
        return await gateways.GetGateways();
    }

    public async ValueTask DisposeAsync()
    {
        await _lifecycle.OnStop(CancellationToken.None);
        // The host's own end would stop a silo that never ran.
        foreach (object part in new object[] { Members, Reminders })
        {
            if (part is IAsyncDisposable disposable) await disposable.DisposeAsync();
        }

        _silo.Services.GetService<Sqlite.ClusterDatabase>()?.Dispose();
    }

    private static HostApplicationBuilder Builder()
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        return builder;
    }
}
