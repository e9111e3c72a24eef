using Watari.Checkpoint.Model;
using Watari.Introspection.Net;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>IPv4 and IPv6 sockets.</summary>
internal static class InetSockets
{
    private const ushort Inet6 = 10;    // AF_INET6
    private const ushort Raw = 3;       // SOCK_RAW
    private const ushort Tcp = 6;       // IPPROTO_TCP
    private const byte Established = 1; // TCP_ESTABLISHED
    private const byte Closed = 7;      // TCP_CLOSE
    private const byte Listen = 10;     // TCP_LISTEN

    public static Model.OpenFile? Capture(CapturedFile file, Sock sock, SocketOptions options, SocketOptionsReader reader)
    {
        ushort protocol = sock.Protocol;
        if (WhyNot(sock, protocol) is { } reason) return file.Refuse(reason);
        InetSock inet = InetSock.At(sock.Kernel, sock.Address);
        if (!inet.McList.IsNull || (inet.Pinet6.TryGet(out Ipv6Pinfo pinfo) && !pinfo.McList.IsNull))
            return file.Refuse("it is a member of a multicast group, which is not carried");

        TcpStream? stream = null;
        TcpOptions? tcpOptions = null;
        if (protocol == Tcp)
        {
            TcpSock tcp = TcpSock.At(sock.Kernel, sock.Address);
            if (tcp.UpperLayer is { IsNull: false }) return file.Refuse("a protocol of the kernel stands above it (kTLS), which is not carried");
            if (tcp.UserTimeout != 0) file.Mention("TCP_USER_TIMEOUT is not restored");
            tcpOptions = OptionsOf(tcp, sock, reader);
            if (sock.State == Established)
            {
                stream = TcpStreams.Capture(file, sock, tcp);
                if (stream is null) return null;
            }
        }
        else if (UnreadDatagrams(sock, protocol) is var unread and > 0)
        {
            file.Mention($"{unread} datagrams that were not read are lost");
        }

        return Build(file, sock, inet, options) with { Tcp = tcpOptions, Stream = stream };
    }

    private static InetSocket Build(CapturedFile file, Sock sock, InetSock inet, SocketOptions options)
    {
        bool isIpv6 = sock.Family == Inet6;
        byte state = sock.State;
        ReadOnlyMemory<byte> source = isIpv6 ? sock.V6RcvSaddr.Bytes : BitConverter.GetBytes(sock.RcvSaddr);
        return new InetSocket
        {
            Id = file.Id,
            Flags = file.Flags,
            Owner = file.Owner,
            Inode = (uint)file.File.FInode.Value.IIno,
            Family = sock.Family,
            Type = sock.Type,
            Protocol = sock.Protocol,
            State = state,
            SourcePort = sock.Num,
            DestinationPort = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(sock.Dport),
            SourceAddress = source,
            DestinationAddress = isIpv6 ? sock.V6Daddr.Bytes : BitConverter.GetBytes(sock.Daddr),
            Backlog = state == Listen ? sock.SkMaxAckBacklog : 0,
            V6Only = isIpv6 ? sock.Ipv6Only : null,
            NetNamespace = sock.Net.Value.Inum,
            Shutdown = (SocketShutdown)(sock.Shutdown & (byte)SocketShutdown.Both),
            Options = options,
            Ip = IpOptionsOf(sock, inet, isIpv6),
            InterfaceName = isIpv6 && IsLinkLocal(source.Span) ? options.BoundDevice : null,
        };
    }

    /// <summary>What getsockopt(2) would show: where nothing was set, the namespace's defaults.</summary>
    private static TcpOptions OptionsOf(TcpSock tcp, Sock sock, SocketOptionsReader reader)
    {
        const byte nagleOff = 1;
        const byte nagleCork = 2;
        NetDevices settings = NetDevices.At(sock.Kernel, sock.Net.Address);
        byte nagle = tcp.Nonagle;
        return new TcpOptions
        {
            NoDelay = (nagle & nagleOff) != 0,
            Cork = (nagle & nagleCork) != 0,
            KeepCount = tcp.KeepaliveProbes is var probes and not 0 ? probes : (uint)settings.KeepaliveProbes,
            KeepIdle = (uint)reader.Seconds(tcp.KeepaliveTime is var idle and not 0 ? idle : settings.KeepaliveTime),
            KeepInterval = (uint)reader.Seconds(tcp.KeepaliveIntvl is var interval and not 0 ? interval : settings.KeepaliveInterval),
        };
    }

    private static IpOptions IpOptionsOf(Sock sock, InetSock inet, bool isIpv6)
    {
        if (isIpv6) return new IpOptions { FreeBind = inet.FreeBind, PacketInfo = inet.Pinet6.Value.ReceivePacketInfo };
        short ttl = inet.UcTtl;
        return new IpOptions
        {
            FreeBind = inet.FreeBind,
            PacketInfo = inet.PacketInfo,
            TypeOfService = inet.Tos,
            TimeToLive = ttl < 0 ? NetDevices.At(sock.Kernel, sock.Net.Address).DefaultTtl : (uint)ttl,
        };
    }

    private static string? WhyNot(Sock sock, ushort protocol)
    {
        const ushort udp = 17;
        const ushort udpLite = 136;
        if (sock.Type == Raw) return "raw sockets are not carried";
        if (protocol is not (Tcp or udp or udpLite or 1 or 58))
            return protocol == 262
                ? "MPTCP is not carried; Go programs use plain TCP with GODEBUG=multipathtcp=0"
                : $"sockets of protocol {protocol} are not carried";
        if (protocol is udp or udpLite)
            return UdpSock.At(sock.Kernel, sock.Address).Pending != 0 ? "a datagram is being put together in it (UDP_CORK); try again" : null;
        if (protocol != Tcp) return null;

        return sock.State switch
        {
            Listen => sock.SkAckBacklog > 0 ? $"{sock.SkAckBacklog} connections wait to be accepted; try again" : null,
            Closed or Established => null,
            var state => $"its connection is being opened or closed ({StateName(state)}); try again, or close it",
        };
    }

    private static uint UnreadDatagrams(Sock sock, ushort protocol)
    {
        uint count = sock.SkReceiveQueue.Qlen;
        return protocol is 17 or 136 ? count + UdpSock.At(sock.Kernel, sock.Address).ReaderQueue.Qlen : count;
    }

    private static string StateName(byte state) => state switch
    {
        2 => "SYN_SENT",
        3 => "SYN_RECV",
        4 => "FIN_WAIT1",
        5 => "FIN_WAIT2",
        6 => "TIME_WAIT",
        8 => "CLOSE_WAIT",
        9 => "LAST_ACK",
        11 => "CLOSING",
        _ => $"state {state}",
    };

    /// <summary>fe80::/10.</summary>
    private static bool IsLinkLocal(ReadOnlySpan<byte> address) => address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}
