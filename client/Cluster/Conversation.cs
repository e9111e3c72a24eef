using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Watari.GrainInterfaces;

namespace Watari.Client.Cluster;

/// <summary>An open conversation with a cluster.</summary>
internal sealed class Conversation(IHost host) : IAsyncDisposable
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(1);

    public IGrainFactory Grains { get; } = host.Services.GetRequiredService<IGrainFactory>();

    public IClusterGrain Cluster => Grains.GetGrain<IClusterGrain>(0);

    public IMigrationGrain Job(string id) => Grains.GetGrain<IMigrationGrain>(id);

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(Goodbye);
        try
        {
            await host.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // The process ends anyway.
        }

        host.Dispose();
    }
}
