using System.Net;
using System.Net.Sockets;

namespace Watari.Transfer.Tests;

/// <summary>A network between the hosts that misbehaves once a number of bytes has passed towards the destination.</summary>
internal sealed class TamperingProxy : IDisposable
{
    public enum Fault
    {
        /// <summary>The connections break.</summary>
        Cut,

        /// <summary>One bit changes.</summary>
        Flip,

        /// <summary>Nothing passes any more, and nothing breaks.</summary>
        Stall,
    }

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _ending = new();
    private readonly EndPoint _destination;
    private readonly Fault _fault;
    private readonly long _after;
    private long _passed;

    public TamperingProxy(EndPoint destination, Fault fault, long after)
    {
        _destination = destination;
        _fault = fault;
        _after = after;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _ = AcceptAsync();
    }

    public EndPoint EndPoint => _listener.LocalEndPoint!;

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Dispose();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket source = await _listener.AcceptAsync(_ending.Token);
                Socket destination = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await destination.ConnectAsync(_destination, _ending.Token);
                _ = PumpAsync(source, destination, tamper: true);
                _ = PumpAsync(destination, source, tamper: false);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool tamper)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer, _ending.Token)) > 0)
            {
                long before = tamper ? Interlocked.Add(ref _passed, count) - count : 0;
                if (tamper && before + count > _after)
                {
                    if (_fault == Fault.Cut) break;
                    if (_fault == Fault.Stall) await Task.Delay(Timeout.Infinite, _ending.Token);
                    if (before <= _after) buffer[_after - before] ^= 0x10;
                }
                await to.SendAsync(buffer.AsMemory(0, count), _ending.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
        from.Dispose();
        to.Dispose();
    }
}
