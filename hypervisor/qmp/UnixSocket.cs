using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Watari.Hypervisor;

/// <summary>Connections to unix sockets, with errors that say what to do.</summary>
internal static class UnixSocket
{
    /// <summary>Longest path of a socket in bytes: <c>sun_path</c> holds 108 with the closing zero (unix(7)).</summary>
    internal const int MaxPathLength = 107;

    internal static bool PathFits(string path) => Encoding.UTF8.GetByteCount(path) <= MaxPathLength;

    /// <summary>
    /// A connected socket in blocking mode, whose sends end at the deadline. It connects at once or not at all, unless the listener's backlog is full:
    /// that, too, ends at the deadline (SO_SNDTIMEO, unix(7)).
    /// </summary>
    /// <exception cref="QmpConnectionException"/>
    /// <exception cref="QmpTimeoutException"/>
    internal static Socket Connect(string path, TimeSpan deadline)
    {
        if (!PathFits(path))
            throw new QmpConnectionException($"The socket path {path} is longer than {MaxPathLength} bytes, which a unix socket cannot have: use a shorter run directory (WATARI_RUN).");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = (int)deadline.TotalMilliseconds };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException failure)
        {
            socket.Dispose();
            throw failure.SocketErrorCode is SocketError.WouldBlock or SocketError.TimedOut
                ? new QmpTimeoutException($"No connection to {path} within {deadline.TotalSeconds:0.###} s: its QEMU is stopped or hung, and others wait for it already.")
                : new QmpConnectionException(Explain(path, failure), failure);
        }
    }

    private static string Explain(string path, SocketException failure) => failure.SocketErrorCode switch
    {
        SocketError.ConnectionRefused when File.Exists(path) =>
            $"Connection refused at {path}: the VM that made this socket has ended. Start it again, or remove the socket.",
        SocketError.AccessDenied =>
            $"No permission to connect to {path}: run as root or as the user who runs this QEMU.",
        _ when !Path.Exists(path) =>
            $"There is no socket {path}: no VM of this name runs here, or QEMU was started without -qmp unix:{path},server=on,wait=off.",
        _ => $"No connection to {path}: {failure.Message}.",
    };
}

/// <summary>Who is at the other end of a unix socket.</summary>
internal static class PeerCredentials
{
    /// <summary>The pid in <c>struct ucred</c> { pid, uid, gid } of SO_PEERCRED: of the process that listens.</summary>
    internal static int ProcessIdOf(Socket socket)
    {
        Span<byte> ucred = stackalloc byte[12];
        socket.GetRawSocketOption(LibC.SolSocket, LibC.SoPeerCred, ucred);
        return BinaryPrimitives.ReadInt32LittleEndian(ucred);
    }
}
