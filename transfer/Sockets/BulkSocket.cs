using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Transfer.Sockets;

/// <summary>
/// A blocking TCP socket for one thread at a time. Each call either moves all of its bytes or fails typed, and is bounded
/// by the deadline that was set (at most twice that long when it was interrupted in the middle).
/// </summary>
/// <remarks>
/// The calls go to the kernel directly: .NET has no gather out of unmanaged memory, and gives a blocking receive a
/// deadline only by way of its event loop.
/// </remarks>
internal sealed unsafe class BulkSocket : IDisposable
{
    // The kernel doubles the value for its book-keeping, and clips it to net.core.[rw]mem_max.
    private const int BufferBytes = 4 << 20;

    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;
    private readonly string _peer;
    private TimeSpan _deadline;

    private BulkSocket(Socket socket, string peer)
    {
        _socket = socket;
        _handle = socket.SafeHandle;
        _peer = peer;
        socket.NoDelay = true;
        socket.SendBufferSize = BufferBytes;
    }

    /// <summary>Takes over a connection that a listener accepted.</summary>
    public static BulkSocket Accepted(Socket socket) => new(socket, socket.RemoteEndPoint?.ToString() ?? "the source");

    /// <summary>A socket that is still to be connected, so that it can be shut down from elsewhere meanwhile.</summary>
    public static BulkSocket For(IPEndPoint peer) => new(new Socket(peer.AddressFamily, SocketType.Stream, ProtocolType.Tcp), peer.ToString());

    public void Connect(IPEndPoint peer)
    {
        ReadOnlySpan<byte> address = peer.Serialize().Buffer.Span;
        int length = peer.Serialize().Size;
        fixed (byte* start = address)
        {
            // The send time-out bounds connect(2) too (socket(7)).
            if (Libc.Connect(_handle, start, length) == 0) return;
        }
        int error = Marshal.GetLastPInvokeError();
        throw error is Libc.EINPROGRESS or Libc.EAGAIN
            ? new TransferException(TransferFailure.TimedOut, $"{_peer} did not answer the connection within {_deadline.TotalSeconds:0.#} s.")
            : new TransferException(TransferFailure.PeerVanished, $"{_peer} cannot be reached: {new Win32Exception(error).Message}.", new Win32Exception(error));
    }

    /// <summary>How long each following call may take.</summary>
    public void SetDeadline(TimeSpan deadline)
    {
        if (deadline == _deadline) return;
        Libc.TimeVal time = Libc.TimeVal.Of(deadline);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Libc.TimeVal>(in time));
        _socket.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, bytes);
        _socket.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, bytes);
        _deadline = deadline;
    }

    public T Read<T>() where T : unmanaged
    {
        T value = default;
        ReadExactly(MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    public void ReadExactly(Span<byte> buffer)
    {
        long began = Stopwatch.GetTimestamp();
        fixed (byte* start = buffer)
        {
            for (nint done = 0; done < buffer.Length;)
            {
                nint got = Libc.Receive(_handle, start + done, (nuint)(buffer.Length - done), Libc.MSG_WAITALL);
                if (got > 0) done += got;
                else if (got == 0) throw new TransferException(TransferFailure.PeerVanished, $"{_peer} closed the connection in the middle.");
                else ThrowUnlessInterrupted("sent nothing");
                if (done < buffer.Length) ThrowIfLate(began, "sent too little");
            }
        }
    }

    public void Write<T>(in T value) where T : unmanaged => Write(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    public void Write(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            Libc.IoVec vector = new() { Base = start, Length = (nuint)bytes.Length };
            Write(new Span<Libc.IoVec>(ref vector));
        }
    }

    /// <summary>Writes all the pieces, one after the other, from where they lie. The vectors are used up.</summary>
    public void Write(Span<Libc.IoVec> vectors)
    {
        long began = Stopwatch.GetTimestamp();
        while (!vectors.IsEmpty)
        {
            nint sent;
            fixed (Libc.IoVec* first = vectors)
            {
                Libc.MsgHdr message = new() { Vectors = first, VectorCount = (nuint)vectors.Length };
                sent = Libc.SendMessage(_handle, &message, Libc.MSG_NOSIGNAL);
            }
            if (sent < 0) ThrowUnlessInterrupted("took nothing");
            else vectors = Advance(vectors, (nuint)sent);
            if (!vectors.IsEmpty) ThrowIfLate(began, "took too little");
        }
    }

    /// <summary>
    /// Ends one or both directions: calls that wait in them, or will, end at once (reading first takes what has already
    /// arrived), and a peer that reads gets what was written and then the end. May be called from any thread.
    /// </summary>
    public void Shutdown(SocketShutdown how)
    {
        try
        {
            _socket.Shutdown(how);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Never connected, or the peer has gone first.
        }
    }

    public void Dispose() => _socket.Dispose();

    private static Span<Libc.IoVec> Advance(Span<Libc.IoVec> vectors, nuint sent)
    {
        while (!vectors.IsEmpty && sent >= vectors[0].Length)
        {
            sent -= vectors[0].Length;
            vectors = vectors[1..];
        }
        if (sent > 0)
        {
            vectors[0].Base += sent;
            vectors[0].Length -= sent;
        }
        return vectors;
    }

    private void ThrowIfLate(long began, string what)
    {
        if (Stopwatch.GetElapsedTime(began) >= _deadline)
            throw Late(what);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowUnlessInterrupted(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        if (error == Libc.EINTR) return;
        throw error == Libc.EAGAIN
            ? Late(what)
            : new TransferException(TransferFailure.PeerVanished, $"The connection to {_peer} broke: {new Win32Exception(error).Message}.", new Win32Exception(error));
    }

    private TransferException Late(string what) =>
        new(TransferFailure.TimedOut, $"{_peer} {what} within {_deadline.TotalSeconds:0.#} s.");
}
