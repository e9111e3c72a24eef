using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Watari.Clustering.Sqlite;

namespace Watari.Clustering.Tests;

/// <summary>A database file of one test, with as many openings of it as the test wants: each stands for a process.</summary>
public sealed class TemporaryFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-clustering-").FullName;
    private readonly List<ClusterDatabase> _opened = [];

    internal static IOptions<ClusterOptions> Cluster { get; } = Options.Create(new ClusterOptions { ClusterId = "test", ServiceId = "test" });

    public string Database => Path.Combine(_folder, "state", "cluster.db");

    public ClusterDatabase Open()
    {
        var database = ClusterDatabase.OpenOrCreate(Database);
        _opened.Add(database);
        return database;
    }

    public void Dispose()
    {
        foreach (ClusterDatabase database in _opened) database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
