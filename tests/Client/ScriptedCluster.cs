using Watari.GrainInterfaces.Model;
using Watari.Processes;
using Watari.Scripted;

namespace Watari.Client.Tests;

/// <summary>Silos and clients as processes of their own over one SQLite file, or over Redis; only their VMs are a file's lines.</summary>
public sealed class ScriptedCluster : IAsyncDisposable
{
    /// <param name="redis">Connection string of the server that they meet in; null: the file.</param>
    public ScriptedCluster(string? redis = null)
    {
        Processes = new WatariProcesses("watari-scripted-silo", redis: redis);
        World = new ScriptedWorld(Path.Combine(Processes.Folder, "world.json"));
        World.Change(state =>
        {
            state.Vms.Add(new ScriptedVm(new VmId("host-a", "vm-a")));
            state.Vms.Add(new ScriptedVm(new VmId("host-b", "vm-b")));
            state.Copies.Add(new ScriptedCopy(new VmId("host-a", "vm-a"), "redis", CopyState.Running));
            state.Copies.Add(new ScriptedCopy(new VmId("host-a", "vm-a"), "packet", CopyState.Running));
            state.Copies.Add(new ScriptedCopy(new VmId("host-a", "vm-a"), "web", CopyState.Running));
        });
    }

    public WatariProcesses Processes { get; }

    public ScriptedWorld World { get; }

    /// <param name="faults">Fault points to arm in it.</param>
    /// <param name="pace">Milliseconds that each command of its engine takes.</param>
    public Task StartSiloAsync(string host, string faults = "", int pace = 0) =>
        Processes.StartSiloAsync(host, faults, [new("WATARI_WORLD", World.Path), new("WATARI_PACE", $"{pace}")]);

    /// <summary>Waits until the command of a migration has taken effect in the world.</summary>
    public async Task UntilDoneAsync(string command)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (!World.Read().Journal.Any(line => line.EndsWith($"/{command}", StringComparison.Ordinal))) await Task.Delay(20, limit.Token);
    }

    /// <summary>The law, and that nothing of a job is left in the other VM.</summary>
    public void AssertRunsOnlyIn(string host, string container = "redis")
    {
        ScriptedState state = World.Read();
        Assert.Empty(state.Violations);
        ScriptedCopy only = Assert.Single(state.Copies, c => c.Container == container);
        Assert.Equal((host, CopyState.Running), (only.Vm.Host, only.State));
    }

    public ValueTask DisposeAsync() => Processes.DisposeAsync();
}
