using Watari.Redis;

namespace Watari.Clustering.Tests;

/// <summary>Where the stores of a class of tests are: every cluster's name parts its data from the others'.</summary>
public interface IPlace
{
    ClusteringOptions OptionsOf(string cluster);
}

/// <summary>One file in a folder that nobody else has.</summary>
public sealed class SqlitePlace : IPlace, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-clustering-").FullName;

    public string Database => Path.Combine(_folder, "state", "cluster.db");

    public ClusteringOptions OptionsOf(string cluster) => new() { Database = Database, ClusterId = cluster };

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

/// <summary>A Redis server that nobody else has.</summary>
public sealed class RedisPlace : IPlace, IAsyncLifetime
{
    public RedisServer Server { get; private set; } = null!;

    public ClusteringOptions OptionsOf(string cluster) => new() { Kind = ClusteringKind.Redis, ConnectionString = Server.ConnectionString, ClusterId = cluster };

    public async ValueTask InitializeAsync() => Server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

/// <summary>Tests of what a store keeps: each in a cluster of its own, with as many processes as it opens.</summary>
public abstract class StoreTests(IPlace place) : IAsyncLifetime
{
    private readonly List<Store> _opened = [];

    private protected string Cluster { get; } = $"test-{Guid.NewGuid():N}";

    private protected Store First { get; private set; } = null!;

    public async ValueTask InitializeAsync() => First = await OpenAsync(Cluster);

    public async ValueTask DisposeAsync()
    {
        foreach (Store store in _opened) await store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected ClusteringOptions Options(string cluster) => place.OptionsOf(cluster);

    private protected async Task<Store> OpenAsync(string cluster)
    {
        Store store = await Store.OpenAsync(Options(cluster));
        _opened.Add(store);
        return store;
    }
}
