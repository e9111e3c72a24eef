using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Watari.Clustering;

namespace Watari.Silo.Hosting;

/// <summary>Before the silo starts: what the cluster keeps its state in must be there, and is looked at for settings that could lose state.</summary>
internal sealed partial class StoreCheck(SiloOptions options, ILogger<StoreCheck> logger) : IHostedService
{
    /// <exception cref="ClusterStoreException">It cannot be used.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (string worry in await options.Clustering.CheckAsync(cancellationToken)) MayForget(worry);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Worry}")]
    private partial void MayForget(string worry);
}
