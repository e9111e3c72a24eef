using System.Text;
using System.Text.Json;
using Watari.GrainInterfaces.Model;
using Watari.Processes;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>
/// Silos and clients as processes of their own over one SQLite file, or over Redis; only their VMs are a file's lines: containers in
/// host-a/vm-a, none in host-b/vm-b and host-b/vm-c.
/// </summary>
public sealed class ScriptedCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly bool _findsDeadSilos;
    private int _added;

    /// <param name="redis">Connection string of the server that they meet in; null: the file.</param>
    /// <param name="findsDeadSilos">
    /// As fast as silos that are installed do. Where silos are not killed, none is to be taken for dead because the machine is slow.
    /// </param>
    public ScriptedCluster(string? redis = null, bool findsDeadSilos = false)
    {
        _findsDeadSilos = findsDeadSilos;
        Processes = new WatariProcesses("watari-scripted-silo", redis: redis);
        World = new ScriptedWorld(Path.Combine(Processes.Folder, "world.json"));
        World.Change(state =>
        {
            state.Vms.Add(new ScriptedVm(new VmId("host-a", "vm-a")));
            state.Vms.Add(new ScriptedVm(new VmId("host-b", "vm-b")));
            state.Vms.Add(new ScriptedVm(new VmId("host-b", "vm-c")));
            state.Copies.AddRange(Running("redis"), Running("packet"), Running("web"));
        });
    }

    public WatariProcesses Processes { get; }

    public ScriptedWorld World { get; }

    /// <summary>Both hosts run when it is there.</summary>
    public static async Task<ScriptedCluster> StartAsync(string? redis = null, bool findsDeadSilos = false, string faults = "")
    {
        var cluster = new ScriptedCluster(redis, findsDeadSilos);
        await cluster.StartSilosAsync(faults);
        return cluster;
    }

    /// <param name="faults">Fault points to arm in both.</param>
    public Task StartSilosAsync(string faults = "") => Task.WhenAll(StartSiloAsync("host-a", faults), StartSiloAsync("host-b", faults));

    /// <param name="faults">Fault points to arm in it.</param>
    public Task StartSiloAsync(string host, string faults = "") => Processes.StartSiloAsync(host, faults, Environment());

    /// <summary>Starts a silo that is not expected to become ready, and waits for its end.</summary>
    public Task<Run> SiloAsync(string host) => Processes.SiloAsync(host, Environment());

    /// <summary>
    /// What <c>watari</c> does and says, in this process: of a process of its own it lacks the runtime's start, signals and the terminal.
    /// </summary>
    public Task<Run> WatariAsync(params string[] args) => WatariWithInputAsync("", args);

    /// <inheritdoc cref="WatariAsync"/>
    public async Task<Run> WatariWithInputAsync(string input, params string[] args)
    {
        using StringWriter output = new();
        using StringWriter errors = new();
        using MemoryStream outBytes = new(), errorBytes = new();
        var terminal = new Terminal(output, errors, IsLive: false) { OpenOut = () => outBytes, OpenError = () => errorBytes, OpenIn = () => new MemoryStream(Encoding.UTF8.GetBytes(input)), IsOutGone = () => false };
        int code = await WatariCommand.RunAsync(["--config", Processes.ConfigFile, .. args], terminal);
        return new Run(code, output + Encoding.UTF8.GetString(outBytes.ToArray()), errors + Encoding.UTF8.GetString(errorBytes.ToArray()));
    }

    /// <summary>What <c>watari jobs ls</c> has of the container, newest first.</summary>
    public async Task<JsonElement[]> JobsOfAsync(string container)
    {
        Run run = await WatariAsync("jobs", "ls", "-o", "json");
        return [.. JsonDocument.Parse(run.Out).RootElement.EnumerateArray().Where(job => job.GetProperty("workload").GetString() == container)];
    }

    /// <summary>One more container in host-a/vm-a, for a test that shares the cluster with others.</summary>
    public string AddContainer()
    {
        string container = $"app-{Interlocked.Increment(ref _added)}";
        World.Change(state => ScriptedWorld.Put(Running(container), state));
        return container;
    }

    /// <summary>Holds a command of a migration in its engine, until it is disposed of.</summary>
    public ScriptedOrder Hold(string command, string container = "redis") => ScriptedOrder.Hold(World, command, container);

    /// <summary>Waits until the command that is held has come.</summary>
    public Task UntilReachedAsync(ScriptedOrder hold) => PatientlyAsync(hold.UntilReachedAsync, "The command that is held did not come");

    /// <summary>Waits until the command of a migration has taken effect in the world.</summary>
    public Task UntilDoneAsync(string command) => PatientlyAsync(
        async cancellationToken =>
        {
            while (!World.Read().Journal.Any(line => line.EndsWith($"/{command}", StringComparison.Ordinal))) await Task.Delay(20, cancellationToken);
        },
        $"'{command}' was not done");

    /// <summary>The law, and that nothing of a job is left in the other VM.</summary>
    public void AssertRunsOnlyIn(string host, string container = "redis")
    {
        ScriptedState state = World.Read();
        Assert.Empty(state.Violations);
        ScriptedCopy only = Assert.Single(state.Copies, c => c.Container == container);
        Assert.Equal((host, CopyState.Running), (only.Vm.Host, only.State));
    }

    public ValueTask DisposeAsync() => Processes.DisposeAsync();

    private async Task PatientlyAsync(Func<CancellationToken, Task> wait, string otherwise)
    {
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await wait(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{otherwise}:\n{string.Join('\n', World.Read().Journal.Concat(Processes.Log))}");
        }
    }

    private static ScriptedCopy Running(string container) => new(new VmId("host-a", "vm-a"), container, CopyState.Running);

    private Dictionary<string, string> Environment()
    {
        Dictionary<string, string> environment = new() { ["WATARI_WORLD"] = World.Path };
        if (!_findsDeadSilos) environment["WATARI_PROBES"] = "60";
        return environment;
    }
}
