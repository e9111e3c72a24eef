using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.TestingHost;
using Watari.Clustering;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Grains.Faults;
using Watari.Grains.Migrations;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>Three hosts in one process with a real database, and a world of VMs that exist in a file alone.</summary>
public sealed class Cluster : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-grains-").FullName;
    private readonly Dictionary<string, string> _hosts = [];
    private readonly Dictionary<string, InProcessSiloHandle> _restarted = []; // which the cluster does not list
    private int _vms;
    private string? _restarting;
    private InProcessTestCluster _cluster = null!;

    public Cluster() => World = new ScriptedWorld(Path.Combine(_folder, "world.json"));

    public ScriptedWorld World { get; }

    public InProcessTestCluster Silos => _cluster;

    public IClusterClient Client => _cluster.Client;

    /// <summary>Each host's engine, the newest where its silo was started again.</summary>
    public ConcurrentDictionary<string, ScriptedEngine> Engines { get; } = new();

    /// <summary>One set for the whole cluster, so that a test need not know which silo leads its job.</summary>
    public FaultPoints Faults { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder(3);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((options, silo) =>
        {
            string host = HostOf(options.SiloName);
            var engine = new ScriptedEngine(host, World);
            Engines[host] = engine;
            silo.UseWatariStorage(new ClusteringOptions { Database = Path.Combine(_folder, "cluster.db") });
            silo.AddWatariGrains(host, Faults);
            silo.Services.AddSingleton<IHostEngine>(engine);
            silo.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.None));
            silo.Configure<MigrationOptions>(o =>
            {
                o.Patience = TimeSpan.FromMilliseconds(100);
                o.HostSilence = TimeSpan.FromSeconds(3);
                o.FirstPause = TimeSpan.FromMilliseconds(5);
                o.LongestPause = TimeSpan.FromMilliseconds(50);
                o.Heartbeat = TimeSpan.FromMilliseconds(200);
            });
            // No silo is taken for dead because the machine is slow: one that is started again declares its former life dead itself.
            silo.Configure<ClusterMembershipOptions>(o => o.ProbeTimeout = TimeSpan.FromMinutes(1));
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        Assert.Empty(World.Path.Length > 0 && File.Exists(World.Path) ? World.Read().Violations : []);
    }

    /// <summary>A container that runs in a VM of its own on host-a, and an empty VM on host-b.</summary>
    public Story Container(string name)
    {
        int number = Interlocked.Increment(ref _vms);
        var story = new Story(this, $"{name}-{number}", new VmId("host-a", $"vm-{number}"), new VmId("host-b", $"vm-{number}"));
        World.Change(state =>
        {
            state.Vms.Add(new ScriptedVm(story.Source));
            state.Vms.Add(new ScriptedVm(story.Destination));
            state.Copies.Add(new ScriptedCopy(story.Source, story.Name, CopyState.Running));
        });
        return story;
    }

    /// <summary>The host's silo dies on the spot and another is started: what the host kept in memory is gone, what its engine did to VMs stays.</summary>
    public async Task RestartAsync(string host)
    {
        InProcessSiloHandle silo = _restarted.GetValueOrDefault(host) ?? _cluster.Silos.Single(s => HostOf(s.Name) == host);
        await _cluster.KillSiloAsync(silo);
        _restarting = host;
        _restarted[host] = await _cluster.StartSiloAsync(silo.InstanceNumber, _cluster.Options);
    }

    // Silos are configured side by side: no two of them may take the same host.
    private string HostOf(string silo)
    {
        lock (_hosts)
        {
            if (!_hosts.TryGetValue(silo, out string? host)) _hosts.Add(silo, host = _restarting ?? $"host-{(char)('a' + _hosts.Count)}");
            return host;
        }
    }
}

/// <summary>One container's migration: what the tests do to it and ask of it.</summary>
public sealed class Story(Cluster cluster, string name, VmId source, VmId destination)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public string Name => name;

    public VmId Source => source;

    public VmId Destination => destination;

    public string JobId { get; } = GrainInterfaces.JobId.New();

    public IMigrationGrain Job => cluster.Client.GetGrain<IMigrationGrain>(JobId);

    public MigrationRequest Request => new(WorkloadId.OfContainer(name), source, destination);

    /// <summary>Waits until the job is as it is described, through activations that die.</summary>
    public async Task<MigrationJob> UntilAsync(Func<MigrationJob, bool> isSo)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await foreach (MigrationJob job in Job.WatchAsync(limit.Token).WithBatchSize(1))
                {
                    if (isSo(job)) return job;
                    if (job.IsTerminal) Assert.Fail($"It ended as {job.State}: {job.Whereabouts}");
                }
            }
            catch (Exception e) when (e is EnumerationAbortedException or OrleansException or TimeoutException)
            {
                limit.Token.ThrowIfCancellationRequested();
            }
        }
    }

    public Task<MigrationJob> StartAsync() => Job.StartAsync(Request);

    public async Task<MigrationJob> RunAsync()
    {
        await StartAsync();
        return await EndAsync();
    }

    /// <summary>Follows the job to its end, through activations that die.</summary>
    public async Task<MigrationJob> EndAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                await foreach (MigrationJob job in Job.WatchAsync(limit.Token).WithBatchSize(1))
                {
                    if (job.IsTerminal) return job;
                }
            }
            catch (Exception e) when (e is EnumerationAbortedException or OrleansException or TimeoutException)
            {
                limit.Token.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Fails the command of this container so many times.</summary>
    public void Fail(string command, FailureKind kind, int times = 1)
    {
        int left = times;
        On(command, (_, _) => Interlocked.Decrement(ref left) >= 0 ? throw new EngineException(kind, $"{command} was made to fail.", new KnownHereAlone()) : Task.CompletedTask);
    }

    /// <summary>Holds the command of this container until the gate is opened, or the engine is told to stop.</summary>
    public Gate Hold(string command)
    {
        var gate = new Gate();
        On(command, (_, cancellationToken) => gate.PassAsync(cancellationToken));
        return gate;
    }

    /// <summary>Fails the command of this container for as long as the test lasts: a guest whose agent stays dead.</summary>
    public void FailAlways(string command, FailureKind kind) => Fail(command, kind, int.MaxValue);

    public void On(string command, Func<ScriptedEngine, CancellationToken, Task> act)
    {
        foreach (ScriptedEngine engine in cluster.Engines.Values)
        {
            Func<string, string, CancellationToken, Task> others = engine.Before;
            engine.Before = (asked, workload, cancellationToken) =>
                asked == command && workload == name ? act(engine, cancellationToken) : others(asked, workload, cancellationToken);
        }
    }

    public CopyState? CopyIn(VmId vm) => cluster.World.Read().Copies.Find(c => c.Vm == vm && c.Container == name)?.State;

    /// <summary>The law, and that nothing of the job is left behind.</summary>
    public void AssertRunsOnlyIn(VmId vm)
    {
        ScriptedState state = cluster.World.Read();
        Assert.Empty(state.Violations);
        ScriptedCopy only = Assert.Single(state.Copies, c => c.Container == name);
        Assert.Equal((vm, CopyState.Running), (only.Vm, only.State));
    }
}

/// <summary>A place where a command waits.</summary>
public sealed class Gate
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public bool IsOpen => _open.Task.IsCompleted;

    public void Open() => _open.TrySetResult();

    public async Task PassAsync(CancellationToken cancellationToken)
    {
        _reached.TrySetResult();
        await _open.Task.WaitAsync(cancellationToken);
    }
}

/// <summary>What lies behind an engine's failure: of an assembly that no other process has.</summary>
internal sealed class KnownHereAlone() : Exception("Known here alone.");
