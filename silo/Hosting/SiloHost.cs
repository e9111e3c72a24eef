using System.CommandLine;
using System.Net.Sockets;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Watari.Clustering;
using Watari.Grains;
using Watari.Grains.Engine;
using Watari.Grains.Faults;

namespace Watari.Silo.Hosting;

/// <summary>The daemon of a host: its command line, its composition, its life.</summary>
public static class SiloHost
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(15);

    /// <param name="addEngine">Registers the host's <see cref="IHostEngine"/>.</param>
    /// <returns>Exit code: 0 after a shutdown that was asked for, 2 for a wrong command line or configuration, 1 if it could not start.</returns>
    public static Task<int> RunAsync(string[] args, Action<IServiceCollection, SiloOptions> addEngine)
    {
        Option<string?> host = new("--host") { Description = "Name of this host, unique in the cluster", HelpName = "NAME" };
        Option<FileInfo?> config = new("--config") { Description = "JSON file with a section 'Watari'", HelpName = "FILE" };
        Option<string?> address = new("--address") { Description = "Address that others reach this host at", HelpName = "IP" };
        Option<int?> siloPort = new("--silo-port") { Description = "Port for other silos [11111]", HelpName = "PORT" };
        Option<int?> gatewayPort = new("--gateway-port") { Description = "Port for clients [30000]", HelpName = "PORT" };
        Option<int?> transferPort = new("--transfer-port") { Description = "Port at which pages arrive [any]", HelpName = "PORT" };
        RootCommand root = new("The daemon of a host: looks into its VMs, and moves containers in and out of them.")
        {
            host, config, address, siloPort, gatewayPort, transferPort,
        };
        root.SetAction(async (parsed, cancellationToken) =>
        {
            Dictionary<string, string?> given = new()
            {
                ["Watari:Host"] = parsed.GetValue(host),
                ["Watari:Address"] = parsed.GetValue(address),
                ["Watari:SiloPort"] = parsed.GetValue(siloPort)?.ToString(),
                ["Watari:GatewayPort"] = parsed.GetValue(gatewayPort)?.ToString(),
                ["Watari:TransferPort"] = parsed.GetValue(transferPort)?.ToString(),
            };
            try
            {
                using IHost silo = Build(parsed.GetValue(config), given.Where(g => g.Value is not null), addEngine);
                await silo.RunAsync(cancellationToken);
                return 0;
            }
            catch (FormatException e)
            {
                return await SayAsync(2, e.Message);
            }
            catch (ClusterStoreException e)
            {
                return await SayAsync(e.IsRefusal ? 2 : 1, e.Message);
            }
            catch (Exception e) when (Reason(e) is { } reason)
            {
                return await SayAsync(1, reason);
            }
        });
        ParseResult result = root.Parse(args);
        return result.Errors.Count > 0 ? ReportAsync(result) : result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    private static IHost Build(FileInfo? config, IEnumerable<KeyValuePair<string, string?>> given, Action<IServiceCollection, SiloOptions> addEngine)
    {
        // Without the defaults: no files but the one that was named, and no environment that happens to be there.
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "watari-silo" });
        if (config is not null)
        {
            if (!config.Exists) throw new FormatException($"There is no configuration file {config.FullName}.");
            try
            {
                builder.Configuration.AddJsonFile(config.FullName, optional: false, reloadOnChange: false);
            }
            catch (InvalidDataException e)
            {
                throw new FormatException($"{config.FullName} is not JSON: {e.InnerException?.Message ?? e.Message}");
            }
        }

        builder.Configuration.AddInMemoryCollection(given);
        var options = SiloOptions.From(builder.Configuration);
        var faults = FaultPoints.Parse(Environment.GetEnvironmentVariable(FaultPoints.Variable));

        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
        // At each start Orleans warns of workstation GC, which is chosen for its memory, and of a check that has not run yet. Why a
        // start failed is said once, in a sentence, when it has: not by the host, too.
        builder.Logging
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
            .AddFilter("Orleans", LogLevel.Warning).AddFilter("Orleans.Runtime.Silo", LogLevel.Error).AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error)
            .AddFilter("Microsoft", LogLevel.Warning).AddFilter("Polly", LogLevel.Warning);

        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton(options);
        builder.Services.AddHostedService<StoreCheck>();
        builder.Services.AddHostedService<Announcement>();
        addEngine(builder.Services, options);
        builder.UseOrleans(silo =>
        {
            silo.UseWatariClustering(options.Clustering);
            silo.AddWatariGrains(options.Host, faults);
            silo.Configure<Orleans.Configuration.SiloOptions>(o => o.SiloName = $"{options.Host}-{Environment.ProcessId}");
            silo.Configure<EndpointOptions>(o =>
            {
                o.AdvertisedIPAddress = options.Address;
                o.SiloPort = options.SiloPort;
                o.GatewayPort = options.GatewayPort;
            });
        });
        return builder.Build();
    }

    /// <returns>A sentence for what an operator can mend; null for what is a defect.</returns>
    private static string? Reason(Exception e) => e switch
    {
        AggregateException { InnerExceptions: [var only] } => Reason(only),
        SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } or { InnerException: SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } } =>
            "A port is in use, perhaps by another silo on this machine: give --silo-port and --gateway-port.",
        SqliteException => $"The cluster's database cannot be opened: {e.Message}",
        UnauthorizedAccessException => $"{e.Message} A silo runs as root, or is given directories of its own by WATARI_RUN and WATARI_STATE.",
        _ when e.InnerException is { } inner => Reason(inner),
        _ => null,
    };

    private static async Task<int> ReportAsync(ParseResult result)
    {
        foreach (System.CommandLine.Parsing.ParseError error in result.Errors) await Console.Error.WriteLineAsync($"watari-silo: {error.Message}");
        await Console.Error.WriteLineAsync("Try 'watari-silo --help'.");
        return 2;
    }

    private static async Task<int> SayAsync(int code, string message)
    {
        await Console.Error.WriteLineAsync($"watari-silo: {message}");
        return code;
    }
}
