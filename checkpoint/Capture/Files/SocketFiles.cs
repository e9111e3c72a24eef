using Watari.Introspection.Net;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Sockets, by their family.</summary>
internal sealed class SocketFiles(FileScope scope)
{
    private const int Unix = 1;      // AF_UNIX
    private const int Inet = 2;      // AF_INET
    private const int Inet6 = 10;    // AF_INET6

    private readonly SocketOptionsReader _options = new(scope);

    public Model.OpenFile? Capture(CapturedFile file)
    {
        Socket socket = Socket.At(file.File.Kernel, file.File.PrivateData);
        Sock sock = socket.Sk.Value;
        file.SocketInode = (uint)file.File.FInode.Value.IIno;
        ushort family = sock.Family;
        file.What = NameOf(family, sock.Type, sock.Protocol);
        if (family is not (Unix or Inet or Inet6)) return file.Refuse($"{NameOf(family, sock.Type, sock.Protocol)}s are not carried");
        if (!scope.Namespaces.Contains(sock.Net.Value.Inum))
            return file.Refuse("it belongs to a network namespace outside of the container: it was accepted from there, or handed in");
        if (_options.Read(file, socket, sock) is not { } options) return null;
        return family == Unix
            ? UnixSockets.Capture(file, socket, UnixSock.Of(sock), options)
            : InetSockets.Capture(file, sock, options, _options);
    }

    private static string NameOf(ushort family, ushort type, ushort protocol) => family switch
    {
        Unix => type switch { 1 => "unix stream socket", 2 => "unix datagram socket", 5 => "unix packet socket", _ => "unix socket" },
        Inet or Inet6 => (type, protocol) switch
        {
            (3, _) => "raw socket",
            (_, 6) => "TCP socket",
            (_, 17) => "UDP socket",
            (_, 1 or 58) => "ping socket",
            (_, 132) => "SCTP socket",
            (_, 136) => "UDP-Lite socket",
            (_, 262) => "MPTCP socket",
            _ => $"inet socket of protocol {protocol}",
        },
        15 => "key management socket",
        16 => "netlink socket",
        17 => "packet socket",
        29 => "CAN socket",
        31 => "Bluetooth socket",
        38 => "crypto socket",
        40 => "vsock socket",
        44 => "XDP socket",
        _ => $"socket of family {family}",
    };
}
