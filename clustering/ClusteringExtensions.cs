using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Messaging;
using Orleans.Runtime.Hosting;
using StackExchange.Redis;
using Watari.Clustering.Redis;
using Watari.Clustering.Sqlite;

namespace Watari.Clustering;

/// <summary>Membership, grain state and reminders of a silo, and the gateways of a client, in one line each.</summary>
public static class ClusteringExtensions
{
    private const string ServiceId = "watari";

    public static ISiloBuilder UseWatariClustering(this ISiloBuilder silo, ClusteringOptions options)
    {
        silo.Configure<ClusterOptions>(o => Name(o, options));
        silo.Configure<ClusterMembershipOptions>(FailureDetection.Tune);
        silo.UseWatariStorage(options);
        if (options.Kind == ClusteringKind.Redis)
        {
            return silo.UseRedisClustering(o => o.ConfigurationOptions = Server(options));
        }

        silo.Services.AddSingleton<IMembershipTable, SqliteMembershipTable>();
        return silo;
    }

    /// <summary>Grain state and reminders alone, for a silo that gets its membership elsewhere.</summary>
    public static ISiloBuilder UseWatariStorage(this ISiloBuilder silo, ClusteringOptions options)
    {
        if (options.Kind == ClusteringKind.Redis)
        {
            silo.AddRedisGrainStorageAsDefault(o =>
            {
                o.ConfigurationOptions = Server(options);
                o.GrainStorageSerializer = new JsonGrainStateSerializer();
                o.DeleteStateOnClear = true;
            });
            return silo.UseRedisReminderService(o => o.ConfigurationOptions = Server(options));
        }

        silo.Services.AddSingleton(_ => ClusterDatabase.OpenOrCreate(options.Database));
        silo.Services.AddGrainStorage("Default", (services, _) => ActivatorUtilities.CreateInstance<SqliteGrainStorage>(services, new JsonGrainStateSerializer()));
        silo.AddReminders();
        silo.Services.AddSingleton<IReminderTable, SqliteReminderTable>();
        return silo;
    }

    public static IClientBuilder UseWatariClustering(this IClientBuilder client, ClusteringOptions options)
    {
        client.Configure<ClusterOptions>(o => Name(o, options));
        client.Configure<GatewayOptions>(FailureDetection.Tune);
        if (options.Kind == ClusteringKind.Redis)
        {
            return client.UseRedisClustering(o => o.ConfigurationOptions = RedisServers.Parse(options.ConnectionString!));
        }

        client.Services.AddSingleton(_ => ClusterDatabase.OpenExisting(options.Database));
        client.Services.AddSingleton<SqliteMembershipTable>();
        client.Services.AddSingleton<IGatewayListProvider, SqliteGatewayListProvider>();
        return client;
    }

    private static void Name(ClusterOptions cluster, ClusteringOptions options)
    {
        cluster.ClusterId = options.ClusterId;
        cluster.ServiceId = options.ClusterId == ServiceId ? ServiceId : $"{ServiceId}-{options.ClusterId}";
    }

    /// <summary>For silos, which outlive a server's absence.</summary>
    private static ConfigurationOptions Server(ClusteringOptions options)
    {
        ConfigurationOptions server = RedisServers.Parse(options.ConnectionString!);
        server.AbortOnConnectFail = false;
        return server;
    }
}
