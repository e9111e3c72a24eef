using System.Net;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Watari.Clustering;

namespace Watari.Silo.Hosting;

/// <summary>Says in the log when the host is ready, where it is reached, and when it goes.</summary>
internal sealed partial class Announcement(SiloOptions options, IHostApplicationLifetime lifetime, ILogger<Announcement> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStarted.Register(() => Ready(options.Host, options.Address, options.SiloPort, options.GatewayPort, options.Clustering));
        lifetime.ApplicationStopping.Register(() => Leaving(options.Host));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Information, Message = "Host {Host} is ready at {Address}, silo port {SiloPort}, gateway port {GatewayPort}, cluster {Cluster}")]
    private partial void Ready(string host, IPAddress address, int siloPort, int gatewayPort, ClusteringOptions cluster);

    [LoggerMessage(Level = LogLevel.Information, Message = "Host {Host} leaves the cluster")]
    private partial void Leaving(string host);
}
