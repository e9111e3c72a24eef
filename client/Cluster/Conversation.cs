using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Cluster;

/// <summary>An open conversation with a cluster.</summary>
internal sealed class Conversation(IHost host) : IAsyncDisposable
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(1);

    public IGrainFactory Grains { get; } = host.Services.GetRequiredService<IGrainFactory>();

    public IClusterGrain Cluster => Grains.GetGrain<IClusterGrain>(0);

    public IMigrationGrain Job(string id) => Grains.GetGrain<IMigrationGrain>(id);

    /// <summary>A container by its name or id, for what can be done with one that runs alone.</summary>
    /// <exception cref="EngineException">It is unknown or ambiguous; or <see cref="FailureKind.Refused"/>: it does not run.</exception>
    public async Task<ContainerDescription> ResolveRunningContainerAsync(string name, string? vm, CancellationToken cancellationToken)
    {
        ContainerDescription found = await Cluster.ResolveContainerAsync(name, vm, cancellationToken);
        return found.Runs ? found : throw new EngineException(FailureKind.Refused, $"Container '{found.Name}' in {found.Vm} does not run: it is {Words.Of(found.Status)}.");
    }

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
