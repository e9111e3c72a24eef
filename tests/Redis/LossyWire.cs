using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Watari.Redis;

/// <summary>A wire to a server that carries all, until it is told to lose one answer: the request arrives and takes effect, and whoever asked hears nothing but that the wire broke.</summary>
public sealed class LossyWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly int _server;
    private readonly Task _accepting;
    private byte[]? _marker;

    /// <param name="server">Port of the server on loopback.</param>
    public LossyWire(int server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Loses the answer to the next request that holds the text, once.</summary>
    public void LoseAnswerTo(string text) => Volatile.Write(ref _marker, Encoding.UTF8.GetBytes(text));

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client = await _listener.AcceptSocketAsync(_stopping.Token);
            _ = CarryAsync(client);
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using (client)
        using (var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        using (var broken = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token))
        {
            await server.ConnectAsync(IPAddress.Loopback, _server, broken.Token);
            var wire = new Wire(client, server, broken.Token);
            Task requests = RequestsAsync(wire);
            Task answers = AnswersAsync(wire);
            await Task.WhenAny(requests, answers);
            await broken.CancelAsync();
            await Task.WhenAll(requests, answers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RequestsAsync(Wire wire)
    {
        byte[] buffer = new byte[64 << 10];
        while (await wire.Client.ReceiveAsync(buffer, wire.Broken) is > 0 and var read)
        {
            bool lose = Volatile.Read(ref _marker) is { } marker && buffer.AsSpan(0, read).IndexOf(marker) >= 0;
            if (lose)
            {
                Volatile.Write(ref _marker, null);
                Volatile.Write(ref wire.Losing, true);
            }

            await SendAsync(wire.Server, buffer.AsMemory(0, read), wire.Broken);
            if (lose) wire.Forwarded.SetResult();
        }
    }

    private static async Task AnswersAsync(Wire wire)
    {
        byte[] buffer = new byte[64 << 10];
        while (await wire.Server.ReceiveAsync(buffer, wire.Broken) is > 0 and var read)
        {
            if (Volatile.Read(ref wire.Losing))
            {
                await wire.Forwarded.Task;
                return;
            }

            await SendAsync(wire.Client, buffer.AsMemory(0, read), wire.Broken);
        }
    }

    private static async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty) bytes = bytes[await to.SendAsync(bytes, cancellationToken)..];
    }

    private sealed class Wire(Socket client, Socket server, CancellationToken broken)
    {
        public bool Losing;

        public Socket Client => client;

        public Socket Server => server;

        public CancellationToken Broken => broken;

        public TaskCompletionSource Forwarded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
