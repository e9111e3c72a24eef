using System.Buffers;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Watari.Hypervisor;

/// <summary>
/// A client of QEMU's machine protocol (QMP, docs/interop/qmp-spec) over a unix socket. Any number of commands may be under way at once:
/// replies find theirs by id. Every command, the greeting included, has a deadline: a stopped or hung QEMU accepts a connection and never answers.
/// </summary>
public sealed partial class QmpClient : IAsyncDisposable
{
    /// <summary>Longest line taken from QEMU, in bytes; <c>info mtree -f</c> of a machine with many devices is some 100 KiB.</summary>
    public const int MaxLineLength = 4 << 20;

    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly Lock _sending = new();
    private readonly ConcurrentDictionary<ulong, PendingCommand> _pending = new();
    private readonly TaskCompletionSource<QmpGreeting> _greeting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Exception? _broken;
    private ulong _lastId;

    private QmpClient(Socket socket, string socketPath, TimeSpan deadline)
    {
        _socket = socket;
        SocketPath = socketPath;
        Deadline = deadline;
        PeerProcessId = PeerCredentials.ProcessIdOf(socket);

        // A thread of its own that blocks in recv(2): a reply then wakes it at once. Over the runtime's poller and thread pool it passes
        // two more threads, and stop and cont are part of every blackout.
        new Thread(Receive, maxStackSize: 256 << 10) { IsBackground = true, Name = "qmp" }.Start();
    }

    public string SocketPath { get; }

    /// <summary>How long a command may take when the call does not say.</summary>
    public TimeSpan Deadline { get; }

    /// <summary>The process that listens on the socket (SO_PEERCRED, unix(7)), in our pid namespace; 0 when it is in one that we cannot see.</summary>
    public int PeerProcessId { get; }

    /// <summary>QEMU's version, as in <c>7.2.22</c>, and its package, as the distribution calls it.</summary>
    public Version QemuVersion { get; private set; } = new();

    public string QemuPackage { get; private set; } = "";

    /// <summary>Done when the connection is over, whoever ended it. Never fails.</summary>
    public Task Disconnected => _ended.Task;

    /// <summary>Connects and leaves the monitor ready for commands. The deadline is for the connection with its greeting, and for each command later.</summary>
    /// <exception cref="QmpConnectionException">Nobody listens there, or it is not QEMU.</exception>
    /// <exception cref="QmpTimeoutException">QEMU accepted the connection and says nothing.</exception>
    public static async Task<QmpClient> ConnectAsync(string socketPath, TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        TimeSpan limit = deadline ?? DefaultDeadline;
        var client = new QmpClient(UnixSocket.Connect(socketPath, limit), socketPath, limit);
        try
        {
            QmpGreeting greeting;
            try
            {
                greeting = await client._greeting.Task.WaitAsync(limit, cancellation);
            }
            catch (TimeoutException)
            {
                throw new QmpTimeoutException(
                    $"QEMU took the connection to {socketPath} and did not greet within {limit.TotalSeconds:0.###} s. "
                    + "Its process is stopped or hung, or another client holds this monitor (a QMP socket serves one client at a time): end that client, or add a second -qmp socket to the VM.");
            }
            client.QemuVersion = new Version(greeting.Version.Qemu.Major, greeting.Version.Qemu.Minor, greeting.Version.Qemu.Micro);
            client.QemuPackage = greeting.Version.Package;
            await client.ExecuteAsync("qmp_capabilities", cancellation: cancellation);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a command and reads its reply. Arguments are a type that <see cref="QmpJson"/> knows, or a <see cref="System.Text.Json.Nodes.JsonObject"/>.</summary>
    /// <exception cref="QmpException">QEMU refused it.</exception>
    /// <exception cref="QmpTimeoutException">No reply in time; the connection stays good, and a late reply is dropped.</exception>
    /// <exception cref="QmpConnectionException">The connection broke before the reply: whether QEMU did it is not known.</exception>
    public async Task<TResult> ExecuteAsync<TResult>(string command, object? arguments = null, TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        JsonElement reply = await RoundTripAsync(command, arguments, deadline ?? Deadline, cancellation);
        try
        {
            return reply.Deserialize((JsonTypeInfo<TResult>)QmpJson.TypeInfo(typeof(TResult)))
                ?? throw new QmpConnectionException($"QEMU answered {command} with null.");
        }
        catch (JsonException unexpected)
        {
            throw new QmpConnectionException($"QEMU answered {command} in a shape that was not expected: {unexpected.Message}", unexpected);
        }
    }

    /// <inheritdoc cref="ExecuteAsync{TResult}"/>
    public Task ExecuteAsync(string command, object? arguments = null, TimeSpan? deadline = null, CancellationToken cancellation = default) =>
        RoundTripAsync(command, arguments, deadline ?? Deadline, cancellation);

    /// <summary>
    /// As <see cref="ExecuteAsync"/>, for a thread that may block: the reply wakes it directly, with no thread pool between.
    /// </summary>
    public void Execute(string command, object? arguments = null, TimeSpan? deadline = null)
    {
        PendingCommand pending = Begin(command);
        try
        {
            Send(Frame(pending, arguments).WrittenSpan);
            TimeSpan limit = deadline ?? Deadline;
            if (Task.WaitAny([pending.Reply.Task], limit) < 0) throw TimedOut(command, limit);
            pending.Reply.Task.GetAwaiter().GetResult();
        }
        finally
        {
            _pending.TryRemove(pending.Id, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Break(new QmpConnectionException($"The connection to {SocketPath} was closed."));
        await _ended.Task;
        _socket.Dispose();
    }

    private async Task<JsonElement> RoundTripAsync(string command, object? arguments, TimeSpan deadline, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        PendingCommand pending = Begin(command);
        try
        {
            Send(Frame(pending, arguments).WrittenSpan);
            return await pending.Reply.Task.WaitAsync(deadline, cancellation);
        }
        catch (TimeoutException)
        {
            throw TimedOut(command, deadline);
        }
        finally
        {
            _pending.TryRemove(pending.Id, out _);
        }
    }

    private PendingCommand Begin(string command)
    {
        var pending = new PendingCommand(command, Interlocked.Increment(ref _lastId));
        _pending[pending.Id] = pending;
        if (_broken is not { } reason) return pending;
        _pending.TryRemove(pending.Id, out _);
        throw reason;
    }

    private QmpTimeoutException TimedOut(string command, TimeSpan deadline) => new(
        $"QEMU did not answer {command} at {SocketPath} within {deadline.TotalSeconds:0.###} s: its process {PeerProcessId} is stopped, hung or very busy. Whether the command took effect is not known.");

    private static ArrayBufferWriter<byte> Frame(PendingCommand pending, object? arguments)
    {
        var frame = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(frame))
        {
            json.WriteStartObject();
            json.WriteString("execute"u8, pending.Command);
            if (arguments is not null)
            {
                json.WritePropertyName("arguments"u8);
                JsonSerializer.Serialize(json, arguments, QmpJson.TypeInfo(arguments.GetType()));
            }
            json.WriteNumber("id"u8, pending.Id);
            json.WriteEndObject();
        }
        frame.Write("\n"u8);
        return frame;
    }

    /// <summary>Commands are small and the socket takes many of them, so this does not block unless QEMU has long stopped reading.</summary>
    private void Send(ReadOnlySpan<byte> frame)
    {
        try
        {
            lock (_sending)
            {
                while (!frame.IsEmpty) frame = frame[_socket.Send(frame)..];
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // What follows half a command could not be understood, so no failure here can be mended.
            throw Break(Lost(failure));
        }
    }

    private void Receive()
    {
        Exception end = Lost(null);
        try
        {
            ReceiveLines();
        }
        catch (Exception failure) when (failure is JsonException or InvalidDataException)
        {
            end = new QmpConnectionException($"What listens at {SocketPath} does not speak QMP: {failure.Message}. Give the socket of -qmp (or of -mon mode=control).", failure);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            end = Lost(failure);
        }
        Break(end);
        _ended.SetResult();
    }

    private void ReceiveLines()
    {
        byte[] buffer = new byte[16 << 10];
        int filled = 0;
        while (_socket.Receive(buffer.AsSpan(filled)) is > 0 and int read)
        {
            int start = 0, searched = filled;
            filled += read;
            while (buffer.AsSpan(searched, filled - searched).IndexOf((byte)'\n') is >= 0 and int newline)
            {
                searched += newline;
                Dispatch(buffer.AsSpan(start, searched - start));
                start = ++searched;
            }
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            if (filled == MaxLineLength) throw new InvalidDataException($"a line of more than {MaxLineLength} bytes");
            if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
        }
    }

    private void Dispatch(ReadOnlySpan<byte> line)
    {
        QmpMessage message = JsonSerializer.Deserialize(line, QmpJson.Default.QmpMessage) ?? throw new InvalidDataException("an empty message");
        if (message.Event is { } name)
            Publish(new QmpEvent(name, message.Timestamp?.ToDateTimeOffset() ?? default, message.Data));
        else if (message.Greeting is { } greeting)
            _greeting.TrySetResult(greeting);
        else if (message.Id is not { } id)
            throw new InvalidDataException(message.Error is { } error ? $"QEMU could not read a command: {error.Desc}" : "a message that is neither greeting, reply nor event");
        else if (_pending.TryRemove(id, out PendingCommand? pending))
            pending.Complete(message);
        // else: the reply to a command that was given up
    }

    private QmpConnectionException Lost(Exception? why) =>
        new($"QEMU closed the connection at {SocketPath}: the VM has ended, or its monitor was removed.", why);

    /// <summary>Ends the connection and everything that waits on it. The first reason stands.</summary>
    private Exception Break(Exception reason)
    {
        Exception first = Interlocked.CompareExchange(ref _broken, reason, null) ?? reason;
        _greeting.TrySetException(first);
        _ = _greeting.Task.Exception;
        foreach (ulong id in _pending.Keys)
        {
            if (_pending.TryRemove(id, out PendingCommand? pending)) pending.Fail(first);
        }
        EndEvents(first);
        try
        {
            _socket.Shutdown(SocketShutdown.Both); // wakes the receiver
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // already closed by QEMU or by us
        }
        return first;
    }

    private sealed class PendingCommand(string command, ulong id)
    {
        public string Command => command;

        public ulong Id => id;

        public TaskCompletionSource<JsonElement> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Complete(QmpMessage message)
        {
            if (message.Error is { } error) Fail(new QmpException(command, error.Class, error.Desc));
            else Reply.TrySetResult(message.Return ?? default);
        }

        public void Fail(Exception reason)
        {
            Reply.TrySetException(reason);
            _ = Reply.Task.Exception; // observed: the caller may have given up
        }
    }
}
