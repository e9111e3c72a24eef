using Watari.Introspection.Walks;

namespace Watari.Introspection.Net;

/// <summary>A TCP socket (include/linux/tcp.h). It begins with its sock.</summary>
[KernelStruct("tcp_sock")]
public readonly partial record struct TcpSock
{
    /// <summary>What user space has read up to.</summary>
    [Field] public partial uint CopiedSeq { get; }

    /// <summary>What is expected next.</summary>
    [Field] public partial uint RcvNxt { get; }

    /// <summary>What user space has written up to.</summary>
    [Field] public partial uint WriteSeq { get; }

    /// <summary>The first byte that is not acknowledged.</summary>
    [Field] public partial uint SndUna { get; }

    /// <summary>What is sent next.</summary>
    [Field] public partial uint SndNxt { get; }

    [Field] public partial uint SndWl1 { get; }

    [Field] public partial uint SndWnd { get; }

    [Field] public partial uint MaxWindow { get; }

    [Field] public partial uint RcvWnd { get; }

    [Field] public partial uint RcvWup { get; }

    /// <summary>Added to the clock for the timestamps that are sent.</summary>
    [Field] public partial uint Tsoffset { get; }

    /// <summary>Timestamps count microseconds (614e8316aa4c, v6.7).</summary>
    [BitField(Optional = true)] public partial bool? TcpUsecTs { get; }

    [BitField("rx_opt.tstamp_ok")] public partial bool TimestampsAgreed { get; }

    [BitField("rx_opt.sack_ok")] public partial byte SackAgreed { get; }

    [BitField("rx_opt.wscale_ok")] public partial bool WindowScalingAgreed { get; }

    [BitField("rx_opt.snd_wscale")] public partial byte SendWindowScale { get; }

    [BitField("rx_opt.rcv_wscale")] public partial byte ReceiveWindowScale { get; }

    [Field("rx_opt.mss_clamp")] public partial ushort MssClamp { get; }

    /// <summary>TCP_NAGLE_OFF 1, TCP_NAGLE_CORK 2, TCP_NAGLE_PUSH 4.</summary>
    [BitField] public partial byte Nonagle { get; }

    /// <summary>TCP_KEEPCNT; 0 for the namespace's default.</summary>
    [BitField] public partial byte KeepaliveProbes { get; }

    /// <summary>TCP_KEEPIDLE in ticks; 0 for the namespace's default.</summary>
    [Field] public partial uint KeepaliveTime { get; }

    /// <summary>TCP_KEEPINTVL in ticks; 0 for the namespace's default.</summary>
    [Field] public partial uint KeepaliveIntvl { get; }

    [Embedded("inet_conn.icsk_inet.sk.tcp_rtx_queue")] private partial RbRoot RetransmitQueue { get; }

    /// <summary>TCP_USER_TIMEOUT in milliseconds; 0 for none.</summary>
    [Field("inet_conn.icsk_user_timeout")] public partial uint UserTimeout { get; }

    /// <summary>A protocol above it in the kernel: TLS.</summary>
    [Field("inet_conn.icsk_ulp_ops")] public partial GuestVirtualAddress UpperLayer { get; }

    /// <summary>Sent and not acknowledged, by sequence number.</summary>
    public RbEntries<SkBuff> Retransmits => RetransmitQueue.Entries<SkBuff>(static packet => packet.Node);
}

/// <summary>What TCP keeps with a packet; in sk_buff.cb (include/net/tcp.h).</summary>
[KernelStruct("tcp_skb_cb")]
public readonly partial record struct TcpSkbCb
{
    /// <summary>The sequence number of its first byte, or of its SYN.</summary>
    [Field] public partial uint Seq { get; }

    /// <summary>TCP's flags: FIN 1, SYN 2.</summary>
    [BitField] public partial ushort TcpFlags { get; }

    public static TcpSkbCb Of(SkBuff packet) => At(packet.Kernel, packet.Cb.Address);
}

/// <summary>A UDP socket (include/linux/udp.h). It begins with its sock.</summary>
[KernelStruct("udp_sock")]
public readonly partial record struct UdpSock
{
    /// <summary>AF_* while a datagram is put together (UDP_CORK, MSG_MORE); else 0.</summary>
    [Field] public partial int Pending { get; }

    /// <summary>Packets that a reader has taken over already.</summary>
    [Embedded] public partial SkBuffHead ReaderQueue { get; }
}
