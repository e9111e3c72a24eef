using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// The host's end of the channel to a guest's agent. One client at a time: QEMU's character device
/// takes one connection. Requests may overlap; each has a deadline of its own. After an
/// <see cref="AgentLostException"/> the client is of no more use: connect a new one.
/// </summary>
public sealed partial class GuestAgentClient : IAsyncDisposable
{
    private readonly Stream channel;
    private readonly GuestAgentClientOptions options;
    private readonly ulong session;
    private readonly FrameParser parser = new();
    private readonly FrameSender sender;
    private readonly ConcurrentDictionary<uint, Call> calls = new();
    private readonly CancellationTokenSource closing = new();
    private AgentLostException? lost;
    private Task listening = Task.CompletedTask;
    private int lastRequest;

    private GuestAgentClient(Stream channel, GuestAgentClientOptions options)
    {
        this.channel = channel;
        this.options = options;
        Span<byte> nonce = stackalloc byte[8];
        do
        {
            RandomNumberGenerator.Fill(nonce);
            session = BinaryPrimitives.ReadUInt64LittleEndian(nonce);
        }
        while (session == 0);
        sender = new FrameSender(channel, session);
    }

    /// <summary>The agent as it was when the session began.</summary>
    public AgentHello Agent { get; private set; } = null!;

    /// <summary>The agent that this session began with does not answer any more: connect a new client.</summary>
    public bool IsLost => Volatile.Read(ref lost) is not null;

    /// <summary>Connects to QEMU's character device (<c>-chardev socket,path=...,server=on,wait=off</c>) and greets the agent.</summary>
    /// <exception cref="AgentLostException">Nobody listens at the socket, or no agent answers within <see cref="GuestAgentClientOptions.ConnectDeadline"/>.</exception>
    /// <exception cref="AgentException">The agent speaks another version of the protocol.</exception>
    public static async Task<GuestAgentClient> ConnectAsync(string socketPath, GuestAgentClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
        }
        catch (SocketException refused)
        {
            socket.Dispose();
            throw new AgentLostException(AgentLostReason.Disconnected, $"The agent's channel {socketPath} cannot be opened ({refused.Message}): is the VM running?", refused);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return await OpenAsync(new NetworkStream(socket, ownsSocket: true), options, cancellationToken);
    }

    /// <summary>Greets the agent over a channel that is open already; the client owns it from here on.</summary>
    /// <exception cref="AgentLostException">No agent answers within <see cref="GuestAgentClientOptions.ConnectDeadline"/>.</exception>
    /// <exception cref="AgentException">The agent speaks another version of the protocol.</exception>
    public static async Task<GuestAgentClient> OpenAsync(Stream channel, GuestAgentClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        GuestAgentClient client = new(channel, options ?? new GuestAgentClientOptions());
        try
        {
            await client.GreetAsync(cancellationToken);
            client.listening = client.ListenAsync();
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Lose(new AgentLostException(AgentLostReason.Disconnected, "The channel to the agent was closed by this side."));
        await closing.CancelAsync();
        await sender.DisposeAsync();
        await channel.DisposeAsync();
        await listening;
        closing.Dispose();
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <param name="request">The request; its deadline is the agent's, the host waits <see cref="GuestAgentClientOptions.Grace"/> longer.</param>
    /// <param name="result">How to read the answer.</param>
    /// <param name="send">The data that follow the request; null for none.</param>
    /// <param name="receive">Takes the data before the answer, part by part, in order; null where none are awaited.</param>
    /// <param name="cancellationToken">Stops waiting; what the agent has begun goes on until its deadline or a destroy.</param>
    private async Task<TResult> CallAsync<TResult>(
        AgentRequest request,
        JsonTypeInfo<TResult> result,
        Func<DataWriter, CancellationToken, Task>? send,
        Action<ReadOnlyMemory<byte>>? receive,
        CancellationToken cancellationToken)
    {
        uint number = (uint)Interlocked.Increment(ref lastRequest);
        Call call = new(receive);
        calls[number] = call;
        TimeSpan patience = TimeSpan.FromMilliseconds(request.DeadlineMilliseconds) + options.Grace;
        using CancellationTokenSource deadline = new(patience, options.Time);
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken, call.Ended);
        try
        {
            if (lost is { } gone)
                throw Again(gone);
            try
            {
                await sender.SendAsync(FrameKind.Request, number, JsonSerializer.SerializeToUtf8Bytes(request, AgentJson.Default.AgentRequest), ending.Token);
                if (send is not null)
                {
                    DataWriter data = new(sender, number);
                    await send(data, ending.Token);
                    await data.EndAsync(ending.Token);
                }
            }
            catch (Exception stopped) when (stopped is OperationCanceledException or ChannelClosedException && call.Ended.IsCancellationRequested)
            {
                // The answer (a refusal, as a rule) came before all data had left, or the channel is gone: either is in the call.
            }
            using CancellationTokenSource waiting = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            byte[] answer = await call.Answer.WaitAsync(waiting.Token);
            return JsonSerializer.Deserialize(answer, result) ?? throw new JsonException("null");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new AgentLostException(AgentLostReason.Silent, $"The guest's agent has not answered {request.GetType().Name} within {patience.TotalSeconds:0.#} s: the guest hangs or its agent is dead. What the request has done is unknown; ask for the job's status.");
        }
        catch (JsonException unreadable)
        {
            throw new AgentException(new AgentError(AgentErrorCode.ProtocolMismatch, $"The agent's answer to {request.GetType().Name} cannot be read ({unreadable.Message}): its protocol is {Agent.Protocol}, the host's {ProtocolVersion.Current}."));
        }
        finally
        {
            calls.TryRemove(number, out _);
            call.Dispose();
        }
    }

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(options.ConnectDeadline, options.Time);
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            await channel.WriteAsync(new byte[FrameHeader.MaxFrame], ending.Token);
            sender.Start(Break);
            HostHello hello = new(ProtocolVersion.Current, options.Name);
            await sender.SendAsync(FrameKind.Hello, 0, JsonSerializer.SerializeToUtf8Bytes(hello, AgentJson.Default.HostHello), ending.Token);
            while (true)
            {
                while (parser.TryRead(out FrameHeader header, out ReadOnlyMemory<byte> payload))
                {
                    if (header.Session != session || header.Kind is not (FrameKind.Welcome or FrameKind.Error))
                        continue;
                    if (header.Kind == FrameKind.Error)
                        throw new AgentException(ReadError(payload.Span));
                    Agent = JsonSerializer.Deserialize(payload.Span, AgentJson.Default.AgentHello) ?? throw new JsonException("null");
                    if (Agent.Protocol != ProtocolVersion.Current)
                        throw new AgentException(new AgentError(AgentErrorCode.ProtocolMismatch, $"The guest's agent {Agent.AgentVersion} speaks protocol {Agent.Protocol}, the host {ProtocolVersion.Current}: build the guest's image with this version's agent."));
                    return;
                }
                int read = await channel.ReadAsync(parser.Free, ending.Token);
                if (read == 0)
                    throw new AgentLostException(AgentLostReason.Disconnected, "The channel to the guest's agent was closed before the agent answered: the VM has stopped, or another client took its place.");
                parser.Advance(read);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new AgentLostException(AgentLostReason.Silent, $"No agent answered within {options.ConnectDeadline.TotalSeconds:0.#} s: there is none in the guest, the guest hangs, or another client holds the channel.");
        }
        catch (IOException broken)
        {
            throw new AgentLostException(AgentLostReason.Disconnected, $"The channel to the guest's agent broke: {broken.Message}", broken);
        }
        catch (JsonException unreadable)
        {
            throw new AgentException(new AgentError(AgentErrorCode.ProtocolMismatch, $"The agent's welcome cannot be read ({unreadable.Message}): it speaks another protocol than {ProtocolVersion.Current}."));
        }
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                while (parser.TryRead(out FrameHeader header, out ReadOnlyMemory<byte> payload))
                    Take(header, payload);
                int read = await channel.ReadAsync(parser.Free, closing.Token);
                if (read == 0)
                {
                    Lose(new AgentLostException(AgentLostReason.Disconnected, "The channel to the guest's agent was closed: the VM has stopped or its QEMU has died."));
                    return;
                }
                parser.Advance(read);
            }
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or ObjectDisposedException)
        {
            Break(broken);
        }
    }

    private void Break(Exception why) =>
        Lose(new AgentLostException(AgentLostReason.Disconnected, $"The channel to the guest's agent broke: {why.Message}", why));

    private void Take(FrameHeader header, ReadOnlyMemory<byte> payload)
    {
        if (header.Kind == FrameKind.Started)
        {
            Lose(new AgentLostException(AgentLostReason.Restarted, "The guest's agent has died and another has started. What the request has done is unknown; connect again and ask for the job's status."));
            return;
        }
        if (header.Session != session || !calls.TryGetValue(header.Request, out Call? call))
            return;
        switch (header.Kind)
        {
            case FrameKind.Data:
                call.TakeData(payload);
                break;
            case FrameKind.DataEnd:
                call.TakeDataEnd(payload.Span);
                break;
            case FrameKind.Response:
                call.Complete(payload.ToArray());
                break;
            case FrameKind.Error:
                call.Fail(new AgentException(ReadError(payload.Span)));
                break;
        }
    }

    private void Lose(AgentLostException reason)
    {
        Interlocked.CompareExchange(ref lost, reason, null);
        foreach (Call call in calls.Values)
            call.Fail(Again(lost));
    }

    // An exception object belongs to one throw.
    private static AgentLostException Again(AgentLostException lost) => new(lost.Reason, lost.Message, lost.InnerException);

    private static AgentError ReadError(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, AgentJson.Default.AgentError) ?? throw new JsonException("null");
        }
        catch (JsonException unreadable)
        {
            return new AgentError(AgentErrorCode.ProtocolMismatch, $"The agent's error cannot be read: {unreadable.Message}");
        }
    }
}
