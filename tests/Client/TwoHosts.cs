using Watari.Client.Tests;
using Xunit.Sdk;
using Xunit.v3;

[assembly: AssemblyFixture(typeof(TwoHosts))]
// Each has a cluster or a container of its own, and most wait: for silos that start, for a time that must pass.
[assembly: Parallelization(Mode = ParallelMode.All, MaxThreads = 4)]

namespace Watari.Client.Tests;

/// <summary>A cluster for all tests whose containers are their own and that need no silo of their own; started by the first of them.</summary>
public sealed class TwoHosts : IAsyncDisposable
{
    private readonly Lazy<Task<ScriptedCluster>> _cluster = new(() => ScriptedCluster.StartAsync());

    public Task<ScriptedCluster> Cluster => _cluster.Value;

    public async ValueTask DisposeAsync()
    {
        if (_cluster.IsValueCreated) await (await Cluster).DisposeAsync();
    }
}
