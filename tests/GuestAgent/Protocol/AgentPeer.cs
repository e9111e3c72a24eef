using System.Buffers.Binary;
using System.IO.Hashing;
using System.Net.Sockets;
using System.Text.Json;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Protocol;

/// <summary>The guest's end of a real socket pair, played frame by frame by the test.</summary>
internal sealed class AgentPeer : IAsyncDisposable
{
    private readonly FrameParser parser = new();
    private readonly NetworkStream stream;

    private AgentPeer(NetworkStream guest, Stream host)
    {
        stream = guest;
        Host = host;
    }

    public Stream Host { get; }

    public ulong Session { get; private set; }

    public static async Task<AgentPeer> CreateAsync()
    {
        string path = Path.Combine(Path.GetTempPath(), $"watari-{Guid.NewGuid():n}.sock");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        Socket host = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await host.ConnectAsync(new UnixDomainSocketEndPoint(path));
        Socket guest = await listener.AcceptAsync();
        File.Delete(path);
        return new AgentPeer(new NetworkStream(guest, ownsSocket: true), new NetworkStream(host, ownsSocket: true));
    }

    /// <summary>A peer whose client has been greeted.</summary>
    public static async Task<(AgentPeer Peer, GuestAgentClient Client)> GreetedAsync(GuestAgentClientOptions? options = null)
    {
        AgentPeer peer = await CreateAsync();
        Task<GuestAgentClient> opening = GuestAgentClient.OpenAsync(peer.Host, options);
        await peer.WelcomeAsync();
        return (peer, await opening);
    }

    public static AgentHello Hello(string instance = "a", int protocol = ProtocolVersion.Current) => new()
    {
        Protocol = protocol,
        AgentVersion = "0.1.0",
        Instance = instance,
        KernelRelease = "6.12",
        CriuVersion = null,
        RuncVersion = null,
        BootId = "b",
        MemoryTotal = 1,
        MemoryAvailable = 1,
        Vcpus = 1,
        CpuFlags = [],
        Features = [],
    };

    public async Task<(FrameHeader Header, byte[] Payload)> ReadAsync()
    {
        FrameHeader header;
        ReadOnlyMemory<byte> payload;
        while (!parser.TryRead(out header, out payload))
        {
            int read = await stream.ReadAsync(parser.Free);
            Assert.NotEqual(0, read);
            parser.Advance(read);
        }
        return (header, payload.ToArray());
    }

    public async Task<(uint Number, TRequest Request)> ReadRequestAsync<TRequest>()
        where TRequest : AgentRequest
    {
        (FrameHeader header, byte[] payload) = await ReadAsync();
        Assert.Equal(FrameKind.Request, header.Kind);
        Assert.Equal(Session, header.Session);
        return (header.Request, Assert.IsType<TRequest>(JsonSerializer.Deserialize(payload, AgentJson.Default.AgentRequest)));
    }

    public async Task WelcomeAsync(AgentHello? hello = null)
    {
        (FrameHeader header, _) = await ReadAsync();
        Assert.Equal(FrameKind.Hello, header.Kind);
        Session = header.Session;
        await WriteAsync(FrameKind.Welcome, 0, JsonSerializer.SerializeToUtf8Bytes(hello ?? Hello(), AgentJson.Default.AgentHello));
    }

    public async Task WriteAsync(FrameKind kind, uint request, byte[] payload, ulong? session = null)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        FrameHeader.WriteFrame(frame, kind, request, session ?? Session, payload);
        await stream.WriteAsync(frame);
    }

    public Task WriteErrorAsync(uint request, AgentError error) =>
        WriteAsync(FrameKind.Error, request, JsonSerializer.SerializeToUtf8Bytes(error, AgentJson.Default.AgentError));

    public Task WriteRawAsync(byte[] bytes) => stream.WriteAsync(bytes).AsTask();

    public Task WriteDataEndAsync(uint request, params byte[][] parts)
    {
        XxHash3 hash = new();
        foreach (byte[] part in parts)
            hash.Append(part);
        byte[] end = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(end, hash.GetCurrentHashAsUInt64());
        return WriteAsync(FrameKind.DataEnd, request, end);
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
