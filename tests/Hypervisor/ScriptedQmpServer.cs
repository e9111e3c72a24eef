using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Watari.Hypervisor.Tests;

/// <summary>The other end of a QMP socket, which says what a test tells it to, when it tells it to.</summary>
internal sealed class ScriptedQmpServer : IDisposable
{
    internal const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}""" + "\r\n";

    private readonly TemporaryDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private Socket? _client;
    private StreamReader? _reader;

    internal ScriptedQmpServer()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(1);
    }

    internal string SocketPath => Path.Combine(_directory.Path, "qmp.sock");

    /// <summary>A client that has been greeted, ready for commands.</summary>
    internal async Task<QmpClient> GreetAsync(TimeSpan? deadline = null)
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(SocketPath, deadline, TestContext.Current.CancellationToken);
        await AcceptAsync();
        await SayAsync(Greeting);
        await ReplyAsync(await HearAsync("qmp_capabilities"));
        return await connecting;
    }

    internal async Task AcceptAsync()
    {
        _client = await _listener.AcceptAsync(TestContext.Current.CancellationToken);
        _reader = new StreamReader(new NetworkStream(_client, ownsSocket: false));
    }

    /// <summary>Reads one command and returns its id.</summary>
    internal async Task<ulong> HearAsync(string command) => (await HearAsync()) is var heard && heard.GetProperty("execute").GetString() == command
        ? heard.GetProperty("id").GetUInt64()
        : throw new InvalidOperationException($"expected {command}, heard {heard}");

    internal async Task<JsonElement> HearAsync() =>
        JsonElement.Parse(await _reader!.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new EndOfStreamException());

    internal Task ReplyAsync(ulong id, string result = "{}") => SayAsync($$"""{"return": {{result}}, "id": {{id}}}""" + "\r\n");

    internal Task EventAsync(string name, string data = "{}") =>
        SayAsync($$"""{"timestamp": {"seconds": 1700000000, "microseconds": 250000}, "event": "{{name}}", "data": {{data}}}""" + "\r\n");

    internal async Task SayAsync(string text) => await _client!.SendAsync(Encoding.UTF8.GetBytes(text), TestContext.Current.CancellationToken);

    internal void HangUp() => _client!.Dispose();

    public void Dispose()
    {
        _client?.Dispose();
        _listener.Dispose();
        _directory.Dispose();
    }
}
