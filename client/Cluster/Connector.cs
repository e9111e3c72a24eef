using System.CommandLine;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Watari.Clustering;

namespace Watari.Client.Cluster;

/// <summary>Finds the cluster that a command line means, and opens a conversation with it.</summary>
internal sealed class Connector(Func<ParseResult, FileInfo?> config)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="CommandException">No silo answers, or the configuration cannot be read.</exception>
    public async Task<Conversation> OpenAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        ClusteringOptions options = Read(config(parsed));
        if (options.Kind == ClusteringKind.Sqlite && !File.Exists(options.Database)) throw NoSilo(options, $"there is no {options.Database}");
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "watari" });
        builder.UseOrleansClient(client =>
        {
            client.UseWatariClustering(options);
            // Each call has a time-out of its own; this one is for those of Orleans.
            client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = Patience);
            client.UseConnectionRetryFilter((_, _) => Task.FromResult(false));
        });
        IHost host = builder.Build();
        try
        {
            await host.StartAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
            return new Conversation(host);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or SqliteException or IOException or StackExchange.Redis.RedisException)
        {
            host.Dispose();
            await CheckAsync(options, cancellationToken);
            throw NoSilo(options, "none of its silos answers");
        }
    }

    /// <exception cref="CommandException">It is not the silos that are missing, but what they meet in.</exception>
    private static async Task CheckAsync(ClusteringOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await options.CheckAsync(cancellationToken);
        }
        catch (ClusterStoreException e)
        {
            throw new CommandException(e.IsRefusal ? ExitCodes.Usage : ExitCodes.NotFound, e.Message);
        }
    }

    private static ClusteringOptions Read(FileInfo? file)
    {
        var configuration = new ConfigurationManager();
        try
        {
            if (file is not null) configuration.AddJsonFile(file.FullName, optional: false, reloadOnChange: false);
            return ClusteringOptions.From(configuration);
        }
        catch (Exception e) when (e is FormatException or FileNotFoundException)
        {
            throw new CommandException(ExitCodes.Usage, e.Message);
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(ExitCodes.Usage, $"{file} is not JSON: {e.InnerException?.Message ?? e.Message}");
        }
    }

    private static CommandException NoSilo(ClusteringOptions options, string why) => new(
        ExitCodes.NotFound,
        $"No silo runs in the cluster at {options} ({why}). Start one on each host with 'watari-silo --host NAME'.");
}
