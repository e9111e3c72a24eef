using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>socket(7), SOL_SOCKET. Buffer sizes as the kernel keeps them: twice what was asked for.</summary>
public sealed record SocketOptions
{
    public required uint SendBuffer { get; init; }
    public required uint ReceiveBuffer { get; init; }

    /// <summary>Zero: no time-out.</summary>
    public Nanoseconds SendTimeout { get; init; }
    public Nanoseconds ReceiveTimeout { get; init; }
    public bool ReuseAddress { get; init; }
    public bool ReusePort { get; init; }
    public uint Priority { get; init; }
    public uint ReceiveLowWater { get; init; } = 1;
    public uint Mark { get; init; }
    public bool PassCredentials { get; init; }
    public bool PassSecurity { get; init; }
    public bool DontRoute { get; init; }
    public bool NoCheck { get; init; }
    public bool Broadcast { get; init; }
    public bool KeepAlive { get; init; }
    public bool OutOfBandInline { get; init; }

    /// <summary>Seconds of SO_LINGER; none where it is off.</summary>
    public uint? Linger { get; init; }

    /// <summary>Bit 0: SO_SNDBUF was set by hand, bit 1: SO_RCVBUF.</summary>
    public uint BufferLocks { get; init; }
    public string? BoundDevice { get; init; }

    /// <summary>SO_ATTACH_FILTER: classic BPF, an instruction a word.</summary>
    public ImmutableArray<ulong> Filter { get; init; } = [];
}

/// <summary>What shutdown(2) closed.</summary>
[Flags]
public enum SocketShutdown
{
    None = 0,
    Receive = 1,
    Send = 2,
    Both = 3,
}

/// <summary>An IPv4 or IPv6 socket.</summary>
public sealed record InetSocket : OpenFile
{
    /// <summary>Number of its inode in sockfs.</summary>
    public required uint Inode { get; init; }

    /// <summary>AF_INET 2 or AF_INET6 10.</summary>
    public required uint Family { get; init; }

    /// <summary>SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3.</summary>
    public required uint Type { get; init; }

    /// <summary>IPPROTO_….</summary>
    public required uint Protocol { get; init; }

    /// <summary>TCP_… (net/tcp_states.h): 1 established, 7 closed, 10 listening.</summary>
    public required uint State { get; init; }
    public uint SourcePort { get; init; }
    public uint DestinationPort { get; init; }

    /// <summary>4 or 16 bytes in network order.</summary>
    public required ReadOnlyMemory<byte> SourceAddress { get; init; }
    public required ReadOnlyMemory<byte> DestinationAddress { get; init; }
    public uint Backlog { get; init; }
    public bool? V6Only { get; init; }

    /// <summary>The network namespace (ns.inum).</summary>
    public required uint NetNamespace { get; init; }
    public SocketShutdown Shutdown { get; init; }
    public required SocketOptions Options { get; init; }
    public IpOptions Ip { get; init; } = new();

    /// <summary>Of a TCP socket.</summary>
    public TcpOptions? Tcp { get; init; }

    /// <summary>The connection of an established TCP socket.</summary>
    public TcpStream? Stream { get; init; }

    /// <summary>Interface of a link-local IPv6 address.</summary>
    public string? InterfaceName { get; init; }
}

/// <summary>ip(7).</summary>
public sealed record IpOptions
{
    public bool FreeBind { get; init; }
    public bool PacketInfo { get; init; }
    public uint TypeOfService { get; init; }
    public uint? TimeToLive { get; init; }
}

/// <summary>tcp(7); times in seconds.</summary>
public sealed record TcpOptions
{
    public bool Cork { get; init; }
    public bool NoDelay { get; init; }
    public uint KeepCount { get; init; } = 9;
    public uint KeepIdle { get; init; } = 7200;
    public uint KeepInterval { get; init; } = 75;
}

/// <summary>What TCP_REPAIR gives back to an established connection (tcp(7), linux/tcp.h).</summary>
public sealed record TcpStream
{
    /// <summary>rcv_nxt.</summary>
    public required uint ReceiveSequence { get; init; }

    /// <summary>Received and not read.</summary>
    public required ReadOnlyMemory<byte> ReceiveQueue { get; init; }

    /// <summary>write_seq.</summary>
    public required uint SendSequence { get; init; }

    /// <summary>Written and not acknowledged.</summary>
    public required ReadOnlyMemory<byte> SendQueue { get; init; }

    /// <summary>How many bytes at the end of the send queue were never sent.</summary>
    public required uint Unsent { get; init; }
    public bool Timestamps { get; init; }
    public bool SelectiveAcknowledgement { get; init; }

    /// <summary>Window scaling was agreed on.</summary>
    public bool WindowScaling { get; init; }
    public uint SendWindowScale { get; init; }
    public uint ReceiveWindowScale { get; init; }
    public uint MaximumSegmentSize { get; init; }

    /// <summary>TCP_TIMESTAMP; its lowest bit says microseconds (kernel 614e8316aa4c, v6.7).</summary>
    public uint Timestamp { get; init; }
    public TcpWindow? Window { get; init; }
}

/// <summary>struct tcp_repair_window.</summary>
public sealed record TcpWindow(uint SendWl1, uint SendWindow, uint MaximumWindow, uint ReceiveWindow, uint ReceiveWup);

/// <summary>unix(7).</summary>
public sealed record UnixSocket : OpenFile
{
    public required uint Inode { get; init; }

    /// <summary>SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5.</summary>
    public required uint Type { get; init; }

    /// <summary>TCP_ESTABLISHED 1, TCP_CLOSE 7, TCP_LISTEN 10.</summary>
    public required uint State { get; init; }
    public uint Backlog { get; init; }

    /// <summary>Inode of the other end; 0: none.</summary>
    public uint Peer { get; init; }

    /// <summary>sun_path as the kernel keeps it: a path with its final zero, an abstract name with its leading one, or nothing.</summary>
    public ReadOnlyMemory<byte> Name { get; init; }
    public FilePermissions? Permissions { get; init; }

    /// <summary>The path is gone though the socket lives.</summary>
    public bool Deleted { get; init; }
    public int? MountId { get; init; }

    /// <summary>The directory a relative name starts at.</summary>
    public string? NameDirectory { get; init; }
    public required uint NetNamespace { get; init; }
    public SocketShutdown Shutdown { get; init; }
    public required SocketOptions Options { get; init; }

    /// <summary>What stands unread in its receive queue, a packet or a piece of the stream each.</summary>
    public ImmutableArray<SocketPacket> ReceiveQueue { get; init; } = [];
}

/// <summary>Data in a receive queue, and the files that travel with it (SCM_RIGHTS).</summary>
public sealed record SocketPacket(ReadOnlyMemory<byte> Data, ImmutableArray<FileId> Rights);

/// <summary>Permissions of a file.</summary>
public readonly record struct FilePermissions(uint Mode, uint Uid, uint Gid);
