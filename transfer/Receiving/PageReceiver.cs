using System.Net;
using System.Net.Sockets;
using Watari.Transfer.Receiving;
using Watari.Transfer.Sockets;
using Watari.Transfer.Wire;

namespace Watari.Transfer;

/// <summary>Listens for the streams of transfers to this host and gives each to the reception that expects it.</summary>
public sealed class PageReceiver : IDisposable
{
    private readonly TransferLimits _limits;
    private readonly Socket _listener;
    private readonly Lock _lock = new();
    private readonly Dictionary<JobId, PageReception> _receptions = [];
    private readonly int _maxConnections;
    private int _connections;
    private volatile bool _disposed;

    /// <summary>Starts to listen.</summary>
    /// <param name="listenOn">The address, and a port or 0 for one that is free.</param>
    /// <param name="limits">Bounds for connections, and for receptions that bring none of their own.</param>
    /// <param name="maxConnections">Streams at the same time, those that have not said hello included.</param>
    /// <exception cref="SocketException">The address cannot be listened on.</exception>
    public PageReceiver(IPEndPoint listenOn, TransferLimits? limits = null, int maxConnections = 256)
    {
        _limits = limits ?? TransferLimits.Default;
        _maxConnections = maxConnections;
        _listener = new Socket(listenOn.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Before listen(2), or the window that accepted sockets offer is settled already (tcp(7)).
            _listener.ReceiveBufferSize = 4 << 20;
            _listener.Bind(listenOn);
            _listener.Listen(128);
            EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
        BulkThread.Start("page-accept", Accept);
    }

    /// <summary>Where it listens, with the port that was chosen.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Makes room for a transfer: from now on its streams are let in.</summary>
    /// <param name="job">The job. An older epoch of it that is still being received fails as replaced.</param>
    /// <param name="epoch">Streams of an older epoch are refused as stale, those of a newer one as unknown.</param>
    /// <param name="limits">Bounds for this transfer, for instance to what the plan of the migration reserved.</param>
    /// <param name="room">
    /// So many pages of memory are made present at once, while nothing waits for them yet; the rest as pages arrive.
    /// </param>
    /// <exception cref="TransferException">This epoch, or a newer one, is expected already; or there is no address space for <see cref="TransferLimits.MaxPages"/>.</exception>
    public PageReception Expect(JobId job, Epoch epoch, TransferLimits? limits = null, PageCount room = default)
    {
        PageReception? replaced;
        PageReception reception;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_receptions.TryGetValue(job, out replaced) && replaced.Epoch >= epoch)
                throw new TransferException(TransferFailure.StaleEpoch, $"{replaced.Epoch} of job {job} is expected already; {epoch} does not come after it.");
            reception = _receptions[job] = new PageReception(this, job, epoch, limits ?? _limits, room);
        }
        replaced?.Fail(new TransferException(TransferFailure.StaleEpoch, $"{replaced.Epoch} of job {job} was replaced by {epoch}."));
        return reception;
    }

    /// <summary>Stops to listen and cancels what is being received.</summary>
    public void Dispose()
    {
        PageReception[] receptions;
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            receptions = [.. _receptions.Values];
        }
        _listener.Dispose();
        foreach (PageReception reception in receptions) reception.Dispose();
    }

    internal void Forget(PageReception reception)
    {
        lock (_lock)
        {
            if (_receptions.TryGetValue(reception.Job, out PageReception? known) && known == reception)
                _receptions.Remove(reception.Job);
        }
    }

    private void Accept()
    {
        while (!_disposed)
        {
            Socket connection;
            try
            {
                connection = _listener.Accept();
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The listener was closed, or the connection was gone before it was taken, or descriptors ran out.
                if (!_disposed) Thread.Sleep(AcceptPause);
                continue;
            }
            if (Interlocked.Increment(ref _connections) > _maxConnections)
            {
                Interlocked.Decrement(ref _connections);
                connection.Dispose();
                continue;
            }
            BulkThread.Start("page-receive", () => Serve(connection));
        }
    }

    // Descriptors that ran out come back when some connection ends, which nothing announces.
    private static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(20);

    private void Serve(Socket connection)
    {
        try
        {
            Serve(BulkSocket.Accepted(connection));
        }
        catch (Exception e) when (e is TransferException or SocketException or ObjectDisposedException)
        {
            // A stream that never became part of a reception is nobody's failure.
            connection.Dispose();
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private void Serve(BulkSocket socket)
    {
        socket.SetDeadline(_limits.HelloTimeout);
        Epoch known = default;
        TransferFailure refusal = Admit(socket, socket.Read<Hello>(), ref known, out PageReception? reception, out ReceiveStream? stream);
        if (stream is not null)
        {
            reception!.Receive(stream);
            return;
        }
        using (socket)
        {
            socket.Write(Verdict.Of(refusal, known));
            socket.Shutdown(SocketShutdown.Send);
        }
    }

    private TransferFailure Admit(BulkSocket socket, in Hello hello, ref Epoch known, out PageReception? reception, out ReceiveStream? stream)
    {
        reception = null;
        stream = null;
        if (hello.Magic != Hello.ExpectedMagic || hello.Version != Hello.CurrentVersion) return TransferFailure.VersionMismatch;
        lock (_lock)
        {
            if (!_receptions.TryGetValue(new JobId(hello.Job), out reception)) return TransferFailure.UnknownJob;
        }
        known = reception.Epoch;
        if (hello.Epoch < known.Value) return TransferFailure.StaleEpoch;
        if (hello.Epoch > known.Value) return TransferFailure.UnknownJob;
        return reception.Join(socket, hello, out stream);
    }
}
