using System.Net;
using StackExchange.Redis;

namespace Watari.Clustering.Redis;

/// <summary>The Redis servers that a connection string names.</summary>
internal static class RedisServers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <exception cref="FormatException">It is not of StackExchange's form, or names no server.</exception>
    public static ConfigurationOptions Parse(string connectionString)
    {
        try
        {
            var servers = ConfigurationOptions.Parse(connectionString);
            if (servers.EndPoints.Count > 0) return servers;
        }
        catch (ArgumentException e)
        {
            // Its message names the keyword, never a password.
            throw new FormatException($"Watari:ConnectionString cannot be read: {e.Message.Split(" (Parameter")[0]}", e);
        }

        throw new FormatException("Watari:ConnectionString names no server: begin it with HOST:PORT, e.g. '10.0.0.5:6379'.");
    }

    /// <summary>The servers alone, without what else the string holds: it may be a password.</summary>
    public static string Describe(string connectionString) =>
        string.Join(", ", Parse(connectionString).EndPoints.Select(server => server is DnsEndPoint named ? $"{named.Host}:{named.Port}" : server.ToString()));

    /// <summary>Says whether the server lets us in, and what in its configuration could make it forget what it was told.</summary>
    /// <returns>A sentence for each thing to mend; empty where all is well, or where the server does not tell.</returns>
    /// <exception cref="ClusterStoreException">It cannot be used.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(string connectionString, CancellationToken cancellationToken)
    {
        string name = Describe(connectionString);
        ConfigurationOptions once = Parse(connectionString);
        (once.AbortOnConnectFail, once.AllowAdmin, once.ConnectRetry) = (true, true, 1);
        once.ConnectTimeout = Math.Min(once.ConnectTimeout, (int)Patience.TotalMilliseconds);
        try
        {
            await using ConnectionMultiplexer connection = await ConnectionMultiplexer.ConnectAsync(once).WaitAsync(cancellationToken);
            return await WorriesAsync(name, connection.GetDatabase()).WaitAsync(cancellationToken);
        }
        catch (RedisConnectionException e) when (e.FailureType == ConnectionFailureType.AuthenticationFailure)
        {
            throw new ClusterStoreException(
                $"The Redis server at {name} does not let us in ({Reason(e.InnerException?.Message ?? e.Message)}): put the right 'password=' (and 'user=', where it has users) into Watari:ConnectionString.",
                isRefusal: true,
                e);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            throw new ClusterStoreException(
                $"The Redis server at {name} does not answer: see that it runs, and that this machine reaches it.", isRefusal: false, e);
        }
    }

    private static async Task<List<string>> WorriesAsync(string name, IDatabase server)
    {
        var worries = new List<string>();
        if (await SettingAsync(server, "appendonly") is not (null or "yes"))
        {
            worries.Add($"The Redis server at {name} keeps no append-only file: when it is started again it has forgotten which migrations were committed. Set 'appendonly yes' and 'appendfsync always' there.");
        }
        else if (await SettingAsync(server, "appendfsync") is not (null or "always"))
        {
            worries.Add($"The Redis server at {name} may forget at a power cut what it has answered: set 'appendfsync always' there.");
        }

        if (await SettingAsync(server, "maxmemory") is not (null or "0") && await SettingAsync(server, "maxmemory-policy") is { } policy and not "noeviction")
        {
            worries.Add($"The Redis server at {name} throws state away where its memory is full ('maxmemory-policy {policy}'): set 'noeviction' there.");
        }

        return worries;
    }

    /// <returns>Null: the server does not tell its settings to us.</returns>
    private static async Task<string?> SettingAsync(IDatabase server, string name)
    {
        try
        {
            return await server.ExecuteAsync("CONFIG", "GET", name) is { Length: 2 } pair ? (string?)pair[1] : null;
        }
        catch (RedisServerException)
        {
            return null;
        }
    }

    private static string Reason(string message) => message.Replace("SimpleError: ", "", StringComparison.Ordinal).TrimEnd('.');
}
