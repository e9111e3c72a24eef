using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Watari.Disk.Images;

/// <summary>
/// A disk that a server of the network block device protocol exports on a unix socket, as QEMU does with a running VM's: fixed newstyle
/// negotiation, simple replies, reads alone (doc/proto.md of NetworkBlockDevice/nbd). One read is under way at a time.
/// </summary>
public sealed class NbdDiskImage : IDiskImage, IDisposable
{
    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(5);

    private const ulong ServerMagic = 0x4e42444d41474943; // NBDMAGIC
    private const ulong OptionMagic = 0x49484156454f5054; // IHAVEOPT
    private const ulong OptionReplyMagic = 0x3e889045565a9;
    private const uint RequestMagic = 0x25609513, ReplyMagic = 0x67446698;
    private const ushort FixedNewstyle = 1, NoZeroes = 2; // handshake flags of both sides
    private const uint OptGo = 7, RepAck = 1, RepInfo = 3, RepError = 1u << 31;
    private const ushort InfoExport = 0, InfoBlockSize = 3;
    private const ushort CommandRead = 0, CommandDisconnect = 2;
    private const int RequestSize = 28, ReplySize = 16;
    private const int MaxNegotiationData = 4096, MaxNegotiationReplies = 64, MaxNameLength = 4096;
    private const int MaxRead = 1 << 20;
    private const int MaxBlockSize = 64 << 10;

    private readonly Socket _socket;
    private readonly string _disk;
    private readonly TimeSpan _deadline;
    private readonly Lock _oneRead = new();
    private readonly byte[] _edge;
    private int _blockSize = 1;
    private int _maxRead = MaxRead;
    private ulong _lastCookie;
    private bool _broken;

    private NbdDiskImage(Socket socket, string disk, string export, TimeSpan deadline)
    {
        _socket = socket;
        _disk = disk;
        _deadline = deadline;
        Length = Negotiate(export);
        _edge = new byte[_blockSize];
    }

    public long Length { get; }

    /// <param name="socketPath">Of the server's unix socket.</param>
    /// <param name="export">The name of the export.</param>
    /// <param name="deadline">For the negotiation, and for each read later.</param>
    /// <exception cref="DiskImageException">Nobody serves there, not this export, not this protocol, or not in time.</exception>
    public static NbdDiskImage Connect(string socketPath, string export, TimeSpan? deadline = null)
    {
        ArgumentNullException.ThrowIfNull(export);
        if (Encoding.UTF8.GetByteCount(export) > MaxNameLength) throw new ArgumentException($"An export's name has at most {MaxNameLength} bytes.", nameof(export));
        TimeSpan limit = deadline ?? DefaultDeadline;
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = Milliseconds(limit) };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            return new NbdDiskImage(socket, $"export {export} at {socketPath}", export, limit);
        }
        catch (Exception failure)
        {
            socket.Dispose();
            throw failure is SocketException ? new DiskImageException($"No connection to the disk server at {socketPath}: {failure.Message}", failure) : failure;
        }
    }

    public void Read(long offset, Span<byte> destination)
    {
        DiskRange.Check(_disk, Length, offset, destination.Length);
        lock (_oneRead)
        {
            if (_broken) throw new DiskImageException($"{_disk}: the connection broke before.");
            try
            {
                ReadWhole(offset, destination);
            }
            catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
            {
                _broken = true;
                throw new DiskImageException($"{_disk}: the connection broke: {failure.Message}", failure);
            }
            catch (DiskImageException)
            {
                _broken = true; // what comes next may belong to the read that was given up
                throw;
            }
        }
    }

    public void Dispose()
    {
        lock (_oneRead)
        {
            if (!_broken)
            {
                _broken = true;
                try
                {
                    Request(CommandDisconnect, 0, 0);
                }
                catch (SocketException)
                {
                    // The server has gone: there is nobody to say goodbye to.
                }
            }

            _socket.Dispose();
        }
    }

    /// <summary>The server's block size must divide offsets and lengths: what is cut by it is read whole, aside.</summary>
    private void ReadWhole(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int skipped = (int)(offset % _blockSize);
            int count;
            if (skipped != 0 || destination.Length < _blockSize)
            {
                long block = offset - skipped;
                int length = (int)Math.Min(_blockSize, Length - block); // the last block of a disk may be a part of one
                ReadBlocks(block, _edge.AsSpan(0, length));
                count = Math.Min(destination.Length, length - skipped);
                _edge.AsSpan(skipped, count).CopyTo(destination);
            }
            else
            {
                count = Math.Min(destination.Length, _maxRead);
                count -= count % _blockSize;
                ReadBlocks(offset, destination[..count]);
            }

            destination = destination[count..];
            offset += count;
        }
    }

    private void ReadBlocks(long offset, Span<byte> destination)
    {
        long began = Stopwatch.GetTimestamp();
        Request(CommandRead, offset, destination.Length);
        Span<byte> bytes = stackalloc byte[ReplySize];
        Receive(bytes, began);
        ReadOnlySpan<byte> reply = bytes;
        if (reply.Be32(0) != ReplyMagic || reply.Be64(8) != _lastCookie) throw new DiskImageException($"{_disk}: an answer that is none to what was asked.");
        if (reply.Be32(4) is not 0 and uint error) throw new DiskImageException($"{_disk}: the server cannot read {destination.Length} bytes at {offset} (error {error}).");
        Receive(destination, began);
    }

    private void Request(ushort command, long offset, int length)
    {
        Span<byte> request = stackalloc byte[RequestSize];
        BinaryPrimitives.WriteUInt32BigEndian(request, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(request[4..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(request[6..], command);
        BinaryPrimitives.WriteUInt64BigEndian(request[8..], ++_lastCookie);
        BinaryPrimitives.WriteInt64BigEndian(request[16..], offset);
        BinaryPrimitives.WriteInt32BigEndian(request[24..], length);
        Send(request);
    }

    /// <returns>The export's length.</returns>
    private long Negotiate(string export)
    {
        long began = Stopwatch.GetTimestamp();
        Span<byte> bytes = stackalloc byte[18];
        ReadOnlySpan<byte> greeting = bytes;
        Receive(bytes, began);
        if (greeting.Be64(0) != ServerMagic || greeting.Be64(8) != OptionMagic) throw new DiskImageException($"{_disk}: the server does not speak NBD's newstyle.");
        ushort flags = greeting.Be16(16);
        if ((flags & FixedNewstyle) == 0) throw new DiskImageException($"{_disk}: the server does not speak NBD's fixed newstyle.");
        AskForExport(export, (uint)(flags & (FixedNewstyle | NoZeroes)));

        long length = -1;
        byte[] data = new byte[MaxNegotiationData];
        for (int replies = 0; replies < MaxNegotiationReplies; replies++)
        {
            (uint type, int size) = ReceiveOptionReply(data, began);
            ReadOnlySpan<byte> info = data.AsSpan(0, size);
            if (type == RepAck && length >= 0) return length;
            if ((type & RepError) != 0) throw new DiskImageException($"{_disk}: the server refuses it (error {type & ~RepError}){(size > 0 ? $": {ByteText.Of(info)}" : "")}.");
            if (type != RepInfo || size < 2) throw new DiskImageException($"{_disk}: an answer of type {type} that was not expected.");
            if (info.Be16(0) == InfoExport && size >= 12) length = LengthOf(info);
            else if (info.Be16(0) == InfoBlockSize && size >= 14) TakeBlockSizes(info);
        }

        throw new DiskImageException($"{_disk}: the server's answers have no end.");
    }

    private void AskForExport(string export, uint clientFlags)
    {
        byte[] name = Encoding.UTF8.GetBytes(export);
        byte[] option = new byte[4 + 16 + 4 + name.Length + 4];
        Span<byte> rest = option;
        BinaryPrimitives.WriteUInt32BigEndian(rest, clientFlags);
        BinaryPrimitives.WriteUInt64BigEndian(rest[4..], OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(rest[12..], OptGo);
        BinaryPrimitives.WriteInt32BigEndian(rest[16..], 4 + name.Length + 4);
        BinaryPrimitives.WriteInt32BigEndian(rest[20..], name.Length);
        name.CopyTo(rest[24..]);
        BinaryPrimitives.WriteUInt16BigEndian(rest[(24 + name.Length)..], 1); // one piece of information is asked for
        BinaryPrimitives.WriteUInt16BigEndian(rest[(26 + name.Length)..], InfoBlockSize);
        Send(option);
    }

    private (uint Type, int Size) ReceiveOptionReply(Span<byte> data, long began)
    {
        Span<byte> bytes = stackalloc byte[20];
        Receive(bytes, began);
        ReadOnlySpan<byte> reply = bytes;
        if (reply.Be64(0) != OptionReplyMagic || reply.Be32(8) != OptGo) throw new DiskImageException($"{_disk}: an answer that is none to what was asked.");
        uint size = reply.Be32(16);
        if (size > data.Length) throw new DiskImageException($"{_disk}: an answer of {size} bytes; at most {data.Length} were expected.");
        Receive(data[..(int)size], began);
        return (reply.Be32(12), (int)size);
    }

    private long LengthOf(ReadOnlySpan<byte> info) => info.Be64(2) <= long.MaxValue
        ? (long)info.Be64(2)
        : throw new DiskImageException($"{_disk}: a disk of {info.Be64(2)} bytes.");

    private void TakeBlockSizes(ReadOnlySpan<byte> info)
    {
        uint least = info.Be32(2), most = info.Be32(10);
        if (least is 0 or > MaxBlockSize || !uint.IsPow2(least) || most < least) throw new DiskImageException($"{_disk}: blocks of {least} to {most} bytes.");
        _blockSize = (int)least;
        _maxRead = (int)Math.Min(MaxRead, most);
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
    }

    private void Receive(Span<byte> bytes, long began)
    {
        while (!bytes.IsEmpty)
        {
            TimeSpan left = _deadline - Stopwatch.GetElapsedTime(began);
            if (left <= TimeSpan.Zero) throw Late();
            _socket.ReceiveTimeout = Milliseconds(left);
            int count;
            try
            {
                count = _socket.Receive(bytes);
            }
            catch (SocketException failure) when (failure.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                throw Late();
            }

            if (count == 0) throw new DiskImageException($"{_disk}: the server has hung up.");
            bytes = bytes[count..];
        }
    }

    private DiskImageException Late() => new($"{_disk}: no answer within {_deadline.TotalSeconds:0.###} s: its server is stopped or hung.");

    /// <summary>0 would be for ever.</summary>
    private static int Milliseconds(TimeSpan time) => (int)Math.Clamp(Math.Ceiling(time.TotalMilliseconds), 1, int.MaxValue);
}
