using Watari.Introspection.Namespaces;

namespace Watari.Introspection.Net;

/// <summary>The half of a socket that its protocol works with (include/net/sock.h).</summary>
[KernelStruct("sock")]
public readonly partial record struct Sock
{
    /// <summary>AF_*.</summary>
    [Field("__sk_common.skc_family")] public partial ushort Family { get; }

    /// <summary>TCP_* (include/net/tcp_states.h), for all families.</summary>
    [Field("__sk_common.skc_state")] public partial byte State { get; }

    /// <summary>SO_REUSEADDR.</summary>
    [BitField("__sk_common.skc_reuse")] public partial byte Reuse { get; }

    /// <summary>SO_REUSEPORT.</summary>
    [BitField("__sk_common.skc_reuseport")] public partial bool ReusePort { get; }

    /// <summary>IPV6_V6ONLY.</summary>
    [BitField("__sk_common.skc_ipv6only")] public partial bool Ipv6Only { get; }

    /// <summary>SO_BINDTODEVICE: an interface's index, or 0.</summary>
    [Field("__sk_common.skc_bound_dev_if")] public partial int BoundDevIf { get; }

    /// <summary>Local address, in network order.</summary>
    [Field("__sk_common.skc_rcv_saddr")] public partial uint RcvSaddr { get; }

    [Field("__sk_common.skc_daddr")] public partial uint Daddr { get; }

    /// <summary>Local port, in host order.</summary>
    [Field("__sk_common.skc_num")] public partial ushort Num { get; }

    /// <summary>Remote port, in network order.</summary>
    [Field("__sk_common.skc_dport")] public partial ushort Dport { get; }

    [Embedded("__sk_common.skc_v6_rcv_saddr")] public partial In6Addr V6RcvSaddr { get; }

    [Embedded("__sk_common.skc_v6_daddr")] public partial In6Addr V6Daddr { get; }

    /// <summary>The network namespace that it belongs to.</summary>
    [Field("__sk_common.skc_net.net")] public partial Ptr<NetNamespace> Net { get; }

    /// <summary>Bits by the number of enum sock_flags.</summary>
    [Field("__sk_common.skc_flags")] public partial ulong Flags { get; }

    [Field] public partial Ptr<Socket> SkSocket { get; }

    [BitField("sk_type")] public partial ushort Type { get; }

    [BitField("sk_protocol")] public partial ushort Protocol { get; }

    /// <summary>RCV_SHUTDOWN 1, SEND_SHUTDOWN 2.</summary>
    [BitField("sk_shutdown")] public partial byte Shutdown { get; }

    /// <summary>SOCK_SNDBUF_LOCK 1, SOCK_RCVBUF_LOCK 2, and binding locks.</summary>
    [BitField("sk_userlocks")] public partial byte UserLocks { get; }

    [Field] public partial int SkSndbuf { get; }

    [Field] public partial int SkRcvbuf { get; }

    /// <summary>In ticks; the largest value for none.</summary>
    [Field] public partial long SkSndtimeo { get; }

    [Field] public partial long SkRcvtimeo { get; }

    [Field] public partial int SkRcvlowat { get; }

    [Field] public partial uint SkPriority { get; }

    [Field] public partial uint SkMark { get; }

    [BitField("sk_no_check_tx")] public partial bool NoCheckTx { get; }

    /// <summary>In ticks.</summary>
    [BitField("sk_lingertime")] public partial ulong LingerTime { get; }

    /// <summary>Of a listener: connections that wait to be accepted.</summary>
    [Field] public partial uint SkAckBacklog { get; }

    /// <summary>Of a listener: how many may.</summary>
    [Field] public partial uint SkMaxAckBacklog { get; }

    [Embedded] public partial SkBuffHead SkReceiveQueue { get; }

    [Embedded] public partial SkBuffHead SkWriteQueue { get; }

    /// <summary>SO_ATTACH_FILTER.</summary>
    [Field] public partial Ptr<SkFilter> SkFilter { get; }
}

/// <summary>An IPv6 address (include/uapi/linux/in6.h).</summary>
[KernelStruct("in6_addr")]
public readonly partial record struct In6Addr
{
    private const int Length = 16;

    [Field("in6_u.u6_addr8")] private partial KernelArray<byte> Octets { get; }

    /// <summary>Its 16 bytes, in network order.</summary>
    public byte[] Bytes => Octets.OfLength(Length).ToArray();
}

/// <summary>A socket's filter (include/linux/filter.h).</summary>
[KernelStruct("sk_filter")]
public readonly partial record struct SkFilter
{
    /// <summary>The classic program that it was made from; null for an eBPF one.</summary>
    [Field("prog")] public partial Ptr<SocketFilterProgram> Prog { get; }
}

[KernelStruct("bpf_prog")]
public readonly partial record struct SocketFilterProgram
{
    [Field] public partial Ptr<SockFprogKern> OrigProg { get; }
}

/// <summary>A classic BPF program, eight bytes an instruction (include/linux/filter.h).</summary>
[KernelStruct("sock_fprog_kern")]
public readonly partial record struct SockFprogKern
{
    [Field] public partial ushort Len { get; }

    [Field] public partial GuestVirtualAddress Filter { get; }

    public ulong[] Instructions => new KernelArray<ulong>(Kernel, Filter, Len).ToArray();
}
