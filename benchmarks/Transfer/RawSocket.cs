using System.Net;
using System.Net.Sockets;
using Watari.Benchmarks.Core;

namespace Watari.Benchmarks.Transfer;

/// <summary>The ceiling of a transfer: a blocking socket on loopback that sends the same 1 MiB again and again.</summary>
internal static class RawSocket
{
    private const int Buffer = 1 << 20;

    public static async Task SendAsync(long bytes, int streams)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        List<Task> ends = [];
        for (int i = 0; i < streams; i++)
        {
            Socket sender = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendBufferSize = 4 << 20 };
            sender.Connect(listener.LocalEndPoint!);
            Socket receiver = listener.Accept();
            ends.Add(Task.Factory.StartNew(() => Send(sender, bytes / streams), TaskCreationOptions.LongRunning));
            ends.Add(Task.Factory.StartNew(() => Receive(receiver), TaskCreationOptions.LongRunning));
        }
        await Task.WhenAll(ends);
    }

    private static void Send(Socket socket, long bytes)
    {
        Niceness.BeBulk();
        byte[] buffer = GC.AllocateArray<byte>(Buffer, pinned: true);
        for (long sent = 0; sent < bytes;) sent += socket.Send(buffer);
        socket.Dispose();
    }

    private static void Receive(Socket socket)
    {
        Niceness.BeBulk();
        byte[] buffer = GC.AllocateArray<byte>(Buffer, pinned: true);
        while (socket.Receive(buffer) > 0)
        {
        }
        socket.Dispose();
    }
}
