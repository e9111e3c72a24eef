using System.Collections.Concurrent;
using System.Diagnostics;

namespace Watari.Redis;

/// <summary>
/// A Redis server of the test's own: Debian's <c>redis-server</c> on a free port of loopback, in a directory of its own, with each
/// answer on disk before it is given. Its disk outlives its process, as on a machine where it is killed and started again.
/// </summary>
public sealed class RedisServer : IAsyncDisposable
{
    private const string ReadyLine = "Ready to accept connections";
    private const string PortTaken = "Address already in use";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("watari-redis-").FullName;
    private readonly string? _password;
    private readonly string[] _settings;
    private Process? _process;

    private RedisServer(string? password, string[] settings) => (_password, _settings) = (password, settings);

    public int Port { get; private set; }

    /// <summary>As <c>Watari:ConnectionString</c> takes it, with the password where there is one.</summary>
    public string ConnectionString => _password is null ? $"127.0.0.1:{Port}" : $"127.0.0.1:{Port},password={_password}";

    /// <param name="password">What clients must know; null: nothing.</param>
    /// <param name="settings">Further options of its command line, which go over ours.</param>
    public static async Task<RedisServer> StartAsync(string? password = null, params string[] settings)
    {
        var server = new RedisServer(password, settings);
        while (true)
        {
            server.Port = FreePort.Find();
            if (await server.TryStartAsync()) return server;
        }
    }

    /// <summary>Ends the process on the spot, as <c>kill -9</c> does.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Starts it after <see cref="KillAsync"/>, at the same port and with what it had on disk.</summary>
    public async Task StartAgainAsync()
    {
        if (!await TryStartAsync()) throw new InvalidOperationException($"Port {Port} was taken while the server was away.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false }) await KillAsync();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <returns>False: the port is taken.</returns>
    private async Task<bool> TryStartAsync()
    {
        _process?.Dispose();
        List<string> arguments =
        [
            "--bind", "127.0.0.1", "--port", $"{Port}", "--dir", _folder, "--daemonize", "no", "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        ];
        if (_password is not null) arguments.AddRange(["--requirepass", _password]);
        arguments.AddRange(_settings);
        _process = Process.Start(new ProcessStartInfo("redis-server", arguments) { RedirectStandardOutput = true })!;
        var log = new ConcurrentQueue<string>();
        var started = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                // The end of its log is the end of the process.
                if (log.Any(said => said.Contains(PortTaken, StringComparison.Ordinal))) started.TrySetResult(false);
                else started.TrySetException(new InvalidOperationException($"redis-server ended: {string.Join('\n', log)}"));
                return;
            }

            log.Enqueue(line.Data);
            if (line.Data.Contains(ReadyLine, StringComparison.Ordinal)) started.TrySetResult(true);
        };
        _process.BeginOutputReadLine();
        return await started.Task.WaitAsync(Patience);
    }
}
