using Microsoft.Extensions.Configuration;
using Watari.Clustering.Redis;

namespace Watari.Clustering;

/// <summary>Where silos find each other and keep their state.</summary>
public enum ClusteringKind
{
    /// <summary>One file that every silo of one machine opens.</summary>
    Sqlite,

    /// <summary>A Redis server that the silos of several machines share.</summary>
    Redis,
}

/// <summary>
/// The cluster that a silo joins or a client asks. Section <c>Watari</c> of the configuration: <c>Clustering</c> (<c>sqlite</c> or
/// <c>redis</c>), <c>ConnectionString</c> (Redis, in StackExchange's form), <c>Database</c> (the SQLite file), <c>ClusterId</c>.
/// </summary>
public sealed record ClusteringOptions
{
    public const string Section = "Watari";

    public ClusteringKind Kind { get; init; } = ClusteringKind.Sqlite;

    /// <summary>Redis: server and settings, e.g. <c>10.0.0.5:6379,password=…</c>.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>SQLite: path of the file; <c>${WATARI_STATE:-/var/lib/watari}/cluster.db</c> unless told.</summary>
    public string Database { get; init; } = Path.Combine(DefaultStateDirectory, "cluster.db");

    /// <summary>Parts clusters that share a file or a server.</summary>
    public string ClusterId { get; init; } = "watari";

    public static string DefaultStateDirectory =>
        Environment.GetEnvironmentVariable("WATARI_STATE") is { Length: > 0 } directory ? directory : "/var/lib/watari";

    /// <exception cref="FormatException">The configuration names no known kind, or lacks what the kind needs.</exception>
    public static ClusteringOptions From(IConfiguration configuration)
    {
        IConfigurationSection section = configuration.GetSection(Section);
        var options = new ClusteringOptions();
        if (section["Clustering"] is { } kind)
        {
            options = options with
            {
                Kind = Enum.TryParse(kind, ignoreCase: true, out ClusteringKind known) && Enum.IsDefined(known)
                    ? known
                    : throw new FormatException($"Watari:Clustering is '{kind}'; it can be 'sqlite' or 'redis'."),
            };
        }

        options = options with
        {
            ConnectionString = section["ConnectionString"],
            Database = section["Database"] ?? options.Database,
            ClusterId = section["ClusterId"] ?? options.ClusterId,
        };
        if (options.Kind == ClusteringKind.Redis)
        {
            if (string.IsNullOrWhiteSpace(options.ConnectionString))
            {
                throw new FormatException("Watari:Clustering is 'redis', and Watari:ConnectionString is not set: give the server, e.g. '10.0.0.5:6379'.");
            }

            RedisServers.Parse(options.ConnectionString);
        }

        return options;
    }

    /// <summary>Says, before anything is started on it, whether what the cluster keeps its state in can be used.</summary>
    /// <returns>A sentence for each thing that could lose state and should be mended; empty where all is well.</returns>
    /// <exception cref="ClusterStoreException">It cannot be used.</exception>
    public async Task<IReadOnlyList<string>> CheckAsync(CancellationToken cancellationToken) =>
        Kind == ClusteringKind.Redis ? await RedisServers.CheckAsync(ConnectionString!, cancellationToken) : [];

    /// <summary>Where it is, without a password.</summary>
    public override string ToString() => Kind == ClusteringKind.Sqlite ? Database : $"redis {RedisServers.Describe(ConnectionString!)}";
}
