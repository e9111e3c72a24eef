using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>What a run of <c>watari</c> left.</summary>
public sealed record Run(int Code, string Out, string Error);

/// <summary>Silos and clients as processes of their own over one SQLite file; only their VMs are a file's lines.</summary>
public sealed class Processes : IAsyncDisposable
{
    public const string ReadyLine = " is ready at ";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("watari-processes-").FullName;
    private readonly ConcurrentDictionary<string, (Process Process, int SiloPort, int GatewayPort)> _silos = new();

    public Processes()
    {
        World = new ScriptedWorld(Path.Combine(_folder, "world.json"));
        World.Change(state =>
        {
            state.Vms.Add(new ScriptedVm(new VmId("host-a", "vm-a")));
            state.Vms.Add(new ScriptedVm(new VmId("host-b", "vm-b")));
            state.Copies.Add(new ScriptedCopy(new VmId("host-a", "vm-a"), "redis", CopyState.Running));
            state.Copies.Add(new ScriptedCopy(new VmId("host-a", "vm-a"), "packet", CopyState.Running));
        });
    }

    public ScriptedWorld World { get; }

    /// <param name="faults">Fault points to arm in it.</param>
    /// <param name="pace">Milliseconds that each command of its engine takes.</param>
    public async Task StartSiloAsync(string host, string faults = "", int pace = 0)
    {
        (int siloPort, int gatewayPort) = _silos.TryGetValue(host, out var before) ? (before.SiloPort, before.GatewayPort) : (FreePort(), FreePort());
        Process silo = Start("watari-scripted-silo", ["--host", host, "--silo-port", $"{siloPort}", "--gateway-port", $"{gatewayPort}"], new()
        {
            ["WATARI_WORLD"] = World.Path,
            ["WATARI_PACE"] = $"{pace}",
            [FaultPoints.Variable] = faults,
        });
        _silos[host] = (silo, siloPort, gatewayPort);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var log = new ConcurrentQueue<string>();
        silo.OutputDataReceived += (_, line) => Read(line.Data);
        silo.ErrorDataReceived += (_, line) => Read(line.Data);
        silo.BeginOutputReadLine();
        silo.BeginErrorReadLine();
        try
        {
            await ready.Task.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Host {host} was not ready:\n{string.Join('\n', log)}");
        }

        void Read(string? line)
        {
            if (line is null) return;
            log.Enqueue(line);
            if (line.Contains(ReadyLine, StringComparison.Ordinal)) ready.TrySetResult();
        }
    }

    public Process Silo(string host) => _silos[host].Process;

    public async Task<Run> WatariAsync(params string[] args)
    {
        using Process watari = StartWatari(args);
        return await EndAsync(watari);
    }

    public Process StartWatari(params string[] args) => Start("watari", args, []);

    public static async Task<Run> EndAsync(Process process)
    {
        using var limit = new CancellationTokenSource(Patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new Run(process.ExitCode, await output, await errors);
    }

    public static async Task SignalAsync(Process process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>The law, and that nothing of a job is left in the other VM.</summary>
    public void AssertRunsOnlyIn(string host, string container = "redis")
    {
        ScriptedState state = World.Read();
        Assert.Empty(state.Violations);
        ScriptedCopy only = Assert.Single(state.Copies, c => c.Container == container);
        Assert.Equal((host, CopyState.Running), (only.Vm.Host, only.State));
    }

    public async ValueTask DisposeAsync()
    {
        foreach ((Process silo, _, _) in _silos.Values)
        {
            if (!silo.HasExited) silo.Kill();
            await silo.WaitForExitAsync();
            silo.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private Process Start(string program, string[] args, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{program}.dll"), .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["WATARI_STATE"] = Path.Combine(_folder, "state");
        start.Environment["WATARI_RUN"] = Path.Combine(_folder, "run");
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
