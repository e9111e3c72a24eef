using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Watari.Clustering;

namespace Watari.Silo.Hosting;

/// <summary>
/// What a silo is told: section <c>Watari</c> of its configuration file, over which the command line goes. Each has a default but
/// the host's name.
/// </summary>
public sealed record SiloOptions
{
    /// <summary>Name of the host: unique in the cluster, and part of each VM's name.</summary>
    public required string Host { get; init; }

    /// <summary>Where sockets of running VMs are looked for: <c>${WATARI_RUN:-/run/watari}</c>.</summary>
    public required string RunDirectory { get; init; }

    /// <summary>What must outlive a reboot: <c>${WATARI_STATE:-/var/lib/watari}</c>.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Address that the other silos, clients and page streams reach this host at: loopback where the cluster is one machine.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Port for the other silos.</summary>
    public required int SiloPort { get; init; }

    /// <summary>Port for clients.</summary>
    public required int GatewayPort { get; init; }

    /// <summary>Port at which pages arrive; 0: any that is free.</summary>
    public required int TransferPort { get; init; }

    public required ClusteringOptions Clustering { get; init; }

    /// <exception cref="FormatException">A value is missing or is not of its form.</exception>
    public static SiloOptions From(IConfiguration configuration)
    {
        IConfigurationSection section = configuration.GetSection(ClusteringOptions.Section);
        var clustering = ClusteringOptions.From(configuration);
        string state = section["StateDirectory"] ?? ClusteringOptions.DefaultStateDirectory;
        return new SiloOptions
        {
            Host = section["Host"] is { Length: > 0 } host && !host.Contains('/', StringComparison.Ordinal)
                ? host
                : throw new FormatException($"The host needs a name without slashes: give --host NAME{(section["Host"] is { } bad ? $" (it is '{bad}')" : "")}."),
            RunDirectory = section["RunDirectory"] ?? (Environment.GetEnvironmentVariable("WATARI_RUN") is { Length: > 0 } run ? run : "/run/watari"),
            StateDirectory = state,
            Address = section["Address"] is { } address ? ParseAddress(address) : DefaultAddress(clustering.Kind),
            SiloPort = Port(section, "SiloPort", 11111, least: 1),
            GatewayPort = Port(section, "GatewayPort", 30000, least: 1),
            TransferPort = Port(section, "TransferPort", 0, least: 0),
            Clustering = section["Database"] is null ? clustering with { Database = Path.Combine(state, "cluster.db") } : clustering,
        };
    }

    private static int Port(IConfigurationSection section, string name, int otherwise, int least) => section[name] switch
    {
        null => otherwise,
        var text when int.TryParse(text, out int port) && port >= least && port <= IPEndPoint.MaxPort => port,
        var text => throw new FormatException($"Watari:{name} is '{text}'; it can be a port from {least} to {IPEndPoint.MaxPort}."),
    };

    private static IPAddress ParseAddress(string text) =>
        IPAddress.TryParse(text, out IPAddress? address) ? address : throw new FormatException($"Watari:Address is '{text}', which is no IP address.");

    private static IPAddress DefaultAddress(ClusteringKind kind) => kind == ClusteringKind.Sqlite
        ? IPAddress.Loopback
        : NetworkInterface.GetAllNetworkInterfaces()
            .Where(nic => nic.OperationalStatus == OperationalStatus.Up && nic.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(nic => nic.GetIPProperties().UnicastAddresses.Select(unicast => unicast.Address))
            .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork)
          ?? throw new FormatException("This machine has no IPv4 address beyond loopback: give --address.");
}
