using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>IPv4 and IPv6 sockets.</summary>
internal static class InetSocketImages
{
    public static Proto.InetSkEntry Build(InetSocket socket, NamespaceIds ids)
    {
        var entry = new Proto.InetSkEntry
        {
            Id = socket.Id.Value,
            Ino = socket.Inode,
            Family = socket.Family,
            Type = socket.Type,
            Proto = socket.Protocol,
            State = socket.State,
            SrcPort = socket.SourcePort,
            DstPort = socket.DestinationPort,
            Flags = socket.Flags,
            Backlog = socket.Backlog,
            SrcAddr = { MemoryMarshal.Cast<byte, uint>(socket.SourceAddress.Span).ToArray() },
            DstAddr = { MemoryMarshal.Cast<byte, uint>(socket.DestinationAddress.Span).ToArray() },
            Fown = FileOwnerImages.Build(socket.Owner),
            Opts = SocketOptionImages.Build(socket.Options),
            IpOpts = Build(socket.Ip),
            NsId = ids.Of(NamespaceKind.Net, socket.NetNamespace),
            TcpOpts = new Proto.TcpOptsEntry(),
        };
        if (socket.V6Only is { } only)
            entry.V6Only = only;
        if (socket.InterfaceName is { } name)
            entry.Ifname = name;
        if (socket.Shutdown != SocketShutdown.None)
            entry.Shutdown = (Proto.SkShutdown)socket.Shutdown;
        if (socket.Tcp is { } tcp)
        {
            entry.TcpOpts = Build(tcp);

            // Where CRIU 3.17.1 looks for them.
            entry.Opts.TcpKeepcnt = tcp.KeepCount;
            entry.Opts.TcpKeepidle = tcp.KeepIdle;
            entry.Opts.TcpKeepintvl = tcp.KeepInterval;
        }
        return entry;
    }

    public static InetSocket Parse(Proto.InetSkEntry entry, TcpStream? stream, string name) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Inode = entry.Ino,
        Family = entry.Family,
        Type = entry.Type,
        Protocol = entry.Proto,
        State = entry.State,
        SourcePort = entry.SrcPort,
        DestinationPort = entry.DstPort,
        SourceAddress = Address(entry.SrcAddr, name),
        DestinationAddress = Address(entry.DstAddr, name),
        Backlog = entry.Backlog,
        V6Only = entry.HasV6Only ? entry.V6Only : null,
        NetNamespace = entry.NsId,
        Shutdown = (SocketShutdown)entry.Shutdown,
        Options = SocketOptionImages.Parse(entry.Opts),
        Ip = Parse(entry.IpOpts),
        Tcp = entry.Proto == ProtocolTcp ? Parse(entry.TcpOpts, entry.Opts) : null,
        Stream = stream,
        InterfaceName = entry.HasIfname ? entry.Ifname : null,
    };

    public const uint ProtocolTcp = 6;

    private static Proto.IpOptsEntry Build(IpOptions options)
    {
        var entry = new Proto.IpOptsEntry();
        if (options.FreeBind)
            entry.Freebind = true;
        if (options.PacketInfo)
            entry.Pktinfo = true;
        if (options.TypeOfService != 0)
            entry.Tos = options.TypeOfService;
        if (options.TimeToLive is { } ttl)
            entry.Ttl = ttl;
        return entry;
    }

    private static IpOptions Parse(Proto.IpOptsEntry? entry) => entry is null ? new() : new()
    {
        FreeBind = entry.Freebind,
        PacketInfo = entry.Pktinfo,
        TypeOfService = entry.Tos,
        TimeToLive = entry.HasTtl ? entry.Ttl : null,
    };

    private static Proto.TcpOptsEntry Build(TcpOptions options)
    {
        var entry = new Proto.TcpOptsEntry
        {
            Keepcnt = options.KeepCount,
            Keepidle = options.KeepIdle,
            Keepintvl = options.KeepInterval,
        };
        if (options.Cork)
            entry.Cork = true;
        if (options.NoDelay)
            entry.Nodelay = true;
        return entry;
    }

    private static TcpOptions Parse(Proto.TcpOptsEntry? tcp, Proto.SkOptsEntry old)
    {
        var defaults = new TcpOptions();
        return new TcpOptions
        {
            Cork = tcp?.Cork ?? false,
            NoDelay = tcp?.Nodelay ?? false,
            KeepCount = tcp is { HasKeepcnt: true } ? tcp.Keepcnt : old.HasTcpKeepcnt ? old.TcpKeepcnt : defaults.KeepCount,
            KeepIdle = tcp is { HasKeepidle: true } ? tcp.Keepidle : old.HasTcpKeepidle ? old.TcpKeepidle : defaults.KeepIdle,
            KeepInterval = tcp is { HasKeepintvl: true } ? tcp.Keepintvl : old.HasTcpKeepintvl ? old.TcpKeepintvl : defaults.KeepInterval,
        };
    }

    private static ReadOnlyMemory<byte> Address(RepeatedField<uint> words, string name) => words.Count is 1 or 4
        ? MemoryMarshal.AsBytes(words.ToArray().AsSpan()).ToArray()
        : throw new CriuImageException(name, $"an internet address of {words.Count} words");
}
