using Watari.Introspection.Namespaces;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Net;

/// <summary>A network interface (include/linux/netdevice.h).</summary>
[KernelStruct("net_device")]
public readonly partial record struct NetDevice
{
    [Field] public partial KernelText Name { get; }

    [Field] public partial int Ifindex { get; }

    [Embedded] public partial ListHead DevList { get; }

    /// <summary>The name of an interface by its index; null where the namespace has no such.</summary>
    public static string? NameOf(NetNamespace space, int index)
    {
        foreach (NetDevice device in NetDevices.At(space.Kernel, space.Address).DevBaseHead.Entries<NetDevice>(static device => device.DevList))
        {
            if (device.Ifindex == index) return device.Name.ToString();
        }

        return null;
    }
}

/// <summary>The interfaces and settings of a network namespace (include/net/net_namespace.h).</summary>
[KernelStruct("net")]
public readonly partial record struct NetDevices
{
    [Embedded] public partial ListHead DevBaseHead { get; }

    /// <summary>net.ipv4.tcp_keepalive_time in ticks.</summary>
    [Field("ipv4.sysctl_tcp_keepalive_time")] public partial int KeepaliveTime { get; }

    [Field("ipv4.sysctl_tcp_keepalive_intvl")] public partial int KeepaliveInterval { get; }

    /// <summary>net.ipv4.tcp_keepalive_probes.</summary>
    [BitField("ipv4.sysctl_tcp_keepalive_probes")] public partial byte KeepaliveProbes { get; }

    /// <summary>net.ipv4.ip_default_ttl.</summary>
    [BitField("ipv4.sysctl_ip_default_ttl")] public partial byte DefaultTtl { get; }
}
