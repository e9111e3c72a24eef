using System.Net;
using System.Net.Sockets;

namespace Watari;

/// <summary>A port of the loopback for a program that a test starts.</summary>
internal static class FreePort
{
    /// <summary>
    /// Below those that the kernel gives to outgoing connections (net.ipv4.ip_local_port_range), of which one would take the port before the
    /// program does; anywhere, so that tests side by side do not all look at the same.
    /// </summary>
    private const int First = 15_000, Last = 32_000;

    public static int Find()
    {
        while (true)
        {
            int port = Random.Shared.Next(First, Last);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException taken) when (taken.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // another
            }
        }
    }
}
