using System.Net;

namespace Watari.Silo.Engine;

/// <summary>Where the engine of a host finds what it works on.</summary>
public sealed class HostEngineOptions
{
    public string Host { get; set; } = "";

    /// <summary>The directory whose entries are the host's VMs, each with its <c>qmp.sock</c> and <c>agent.sock</c>.</summary>
    public string VmDirectory { get; set; } = "";

    /// <summary>Where pages from other hosts are taken; port 0 takes any that is free.</summary>
    public IPEndPoint TransferListen { get; set; } = new(IPAddress.Loopback, 0);

    /// <summary>The address or name under which other hosts reach it; null: that of <see cref="TransferListen"/>.</summary>
    public string? TransferHost { get; set; }
}
