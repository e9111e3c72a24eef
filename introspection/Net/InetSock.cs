namespace Watari.Introspection.Net;

/// <summary>An IPv4 or IPv6 socket (include/net/inet_sock.h). It begins with its sock.</summary>
[KernelStruct("inet_sock")]
public readonly partial record struct InetSock
{
    /// <summary>Bits by the number of INET_FLAGS_*, since v6.6; before that each flag was a bit of its own.</summary>
    [Field(Optional = true)] public partial ulong? InetFlags { get; }

    /// <summary>IP_TTL; -1 for the default.</summary>
    [BitField] public partial short UcTtl { get; }

    /// <summary>IP_TOS.</summary>
    [Field] public partial byte Tos { get; }

    /// <summary>Multicast groups that it is in.</summary>
    [Field] public partial GuestVirtualAddress McList { get; }

    /// <summary>IP_FREEBIND.</summary>
    public bool FreeBind => FreeBindBit ?? HasFlag("INET_FLAGS_FREEBIND");

    /// <summary>IP_PKTINFO.</summary>
    public bool PacketInfo => CmsgFlags is { } flags ? (flags & CmsgPacketInfo) != 0 : HasFlag("INET_FLAGS_PKTINFO");

    [BitField("freebind", Optional = true)] private partial bool? FreeBindBit { get; }

    [BitField("cmsg_flags", Optional = true)] private partial ushort? CmsgFlags { get; }

    [Field] public partial Ptr<Ipv6Pinfo> Pinet6 { get; }

    private const int CmsgPacketInfo = 1; // IP_CMSG_PKTINFO

    private bool HasFlag(string name) => InetFlags is { } flags && (flags >> (int)SocketConstants.Of(Kernel)[name] & 1) != 0;
}

/// <summary>What an IPv6 socket has beside (include/linux/ipv6.h).</summary>
[KernelStruct("ipv6_pinfo")]
public readonly partial record struct Ipv6Pinfo
{
    /// <summary>IPV6_RECVPKTINFO: the second bit of the options to receive.</summary>
    [BitField("rxopt.bits.rxinfo")] public partial bool ReceivePacketInfo { get; }

    /// <summary>Multicast groups that it is in.</summary>
    [Field("ipv6_mc_list")] public partial GuestVirtualAddress McList { get; }
}
