using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Watari.Grains.Faults;

namespace Watari.Processes;

/// <summary>
/// Silos and clients as processes of their own over one SQLite file, or over Redis, in directories of their own. Their programs lie
/// beside the test's, whose project refers to theirs, or where an installation has them.
/// <code>
/// await using var cluster = new WatariProcesses("watari-silo");
/// await cluster.StartSiloAsync("host-a");
/// Run hosts = await cluster.WatariAsync("hosts");
/// </code>
/// </summary>
/// <param name="silo">The program of its silos.</param>
/// <param name="programs">Another folder of programs, as <c>dotnet publish</c> leaves it.</param>
/// <param name="redis">Connection string of the Redis server that they meet in; null: the file.</param>
public sealed class WatariProcesses(string silo, string? programs = null, string? redis = null) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, (int Silo, int Gateway)> _ports = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SiloProcess> _silos = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<SiloProcess> _all = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly SemaphoreSlim _said = new(0);

    /// <summary>Gone with the cluster.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("watari-").FullName;

    /// <summary>WATARI_RUN of all of them.</summary>
    public string RunDirectory => Path.Combine(Folder, "run");

    /// <summary>WATARI_STATE of all of them.</summary>
    public string StateDirectory => Path.Combine(Folder, "state");

    /// <summary>A configuration file that names the cluster, as an operator writes it; its machines are all this one.</summary>
    public string ConfigFile
    {
        get
        {
            string file = Path.Combine(Folder, "watari.json");
            object cluster = redis is null
                ? new { Database = Path.Combine(StateDirectory, "cluster.db") }
                : new { Clustering = "redis", ConnectionString = redis, Address = "127.0.0.1" };
            lock (_log)
            {
                if (!File.Exists(file)) File.WriteAllText(file, JsonSerializer.Serialize(new { Watari = cluster }));
            }

            return file;
        }
    }

    /// <summary>What all silos have said so far, those that have ended among them; each line begins with its host.</summary>
    public IEnumerable<string> Log => _log;

    /// <summary>Waits until a silo says these words, after the lines that are skipped.</summary>
    /// <exception cref="TimeoutException">None did; with what they said.</exception>
    public async Task UntilSilosSayAsync(string words, int skip, CancellationToken cancellation = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        while (!_log.Skip(skip).Any(line => line.Contains(words, StringComparison.Ordinal)))
        {
            try
            {
                await _said.WaitAsync(s_look, limit.Token); // others may wait for other words
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new TimeoutException($"No silo has said '{words}', but:\n{string.Join('\n', _log.Skip(skip))}");
            }
        }
    }

    /// <summary>Starts the silo of a host, at the ports that it had if it ran before; done when it is ready.</summary>
    /// <exception cref="InvalidOperationException">It ended, or the time is over, before it was ready; with what was said.</exception>
    /// <param name="host">Its name.</param>
    /// <param name="faults">Fault points to arm in it.</param>
    /// <param name="environment">More of its environment.</param>
    public async Task StartSiloAsync(string host, string faults = "", IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        var started = new SiloProcess(StartOfSilo(host, faults, environment), line =>
        {
            _log.Enqueue($"{host} {line}");
            _said.Release();
        });
        _silos[host] = started;
        _all.Enqueue(started);
        if (!await started.IsReadyWithinAsync(Patience)) throw new InvalidOperationException($"Host {host} was not ready:\n{string.Join('\n', _log)}");
    }

    /// <summary>Starts a silo that is not expected to become ready, and waits for its end.</summary>
    /// <param name="environment">More of its environment.</param>
    public async Task<Run> SiloAsync(string host, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        using Process process = Process.Start(StartOfSilo(host, "", environment))!;
        return await EndAsync(process);
    }

    public SiloProcess Silo(string host) => _silos[host];

    /// <summary>Runs <c>watari</c> to its end.</summary>
    public async Task<Run> WatariAsync(params string[] args)
    {
        using Process watari = StartWatari(args);
        return await EndAsync(watari);
    }

    public Process StartWatari(params string[] args) => Process.Start(StartOf("watari", args))!;

    /// <summary>Waits for its end, and reads what it has said and nobody has read.</summary>
    public static async Task<Run> EndAsync(Process process, TimeSpan? patience = null)
    {
        using var limit = new CancellationTokenSource(patience ?? Patience);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Run(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"{string.Join(' ', process.StartInfo.ArgumentList.Skip(2))} did not end.");
        }
    }

    /// <summary>Reads what a process says until a line holds these words.</summary>
    /// <exception cref="InvalidOperationException">It ended without saying them.</exception>
    public static async Task UntilSaysAsync(Process process, string words)
    {
        using var limit = new CancellationTokenSource(Patience);
        List<string> said = [];
        while (await process.StandardError.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Contains(words, StringComparison.Ordinal)) return;
            said.Add(line);
        }

        throw new InvalidOperationException($"It ended without saying '{words}', but said: {string.Join(" | ", said)}");
    }

    /// <param name="process">Whom.</param>
    /// <param name="signal">Its name as kill(1) takes it: <c>INT</c>.</param>
    public static async Task SignalAsync(Process process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Kills every silo that still runs.</summary>
    public Task EndSilosAsync() => Task.WhenAll(_all.Select(started => started.KillAsync()));

    public async ValueTask DisposeAsync()
    {
        await EndSilosAsync();
        foreach (SiloProcess started in _all) started.Dispose();
        _said.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>How <c>watari</c> is started, for one who starts it in a way of his own.</summary>
    public ProcessStartInfo StartOfWatari(params string[] args) => StartOf("watari", args);

    private ProcessStartInfo StartOfSilo(string host, string faults, IEnumerable<KeyValuePair<string, string>>? environment)
    {
        (int siloPort, int gatewayPort) = _ports.GetOrAdd(host, _ => (FreePort.Find(), FreePort.Find()));
        ProcessStartInfo start = StartOf(silo, ["--host", host, "--silo-port", $"{siloPort}", "--gateway-port", $"{gatewayPort}"]);
        start.Environment[FaultPoints.Variable] = faults;
        foreach ((string name, string value) in environment ?? []) start.Environment[name] = value;
        return start;
    }

    private ProcessStartInfo StartOf(string program, string[] args)
    {
        string[] config = redis is null ? [] : ["--config", ConfigFile];
        // Whoever runs the tests in the background has Ctrl-C ignored, and so would these.
        var start = new ProcessStartInfo("env", ["--default-signal=INT,QUIT", "dotnet", Path.Combine(programs ?? AppContext.BaseDirectory, $"{program}.dll"), .. config, .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["WATARI_STATE"] = StateDirectory;
        start.Environment["WATARI_RUN"] = RunDirectory;
        return start;
    }
}
