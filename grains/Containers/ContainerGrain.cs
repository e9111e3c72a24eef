using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Containers;

/// <inheritdoc cref="IContainerGrain"/>
[GrainType("container")]
internal sealed class ContainerGrain([PersistentState("place")] IPersistentState<PlaceState> place) : Grain, IContainerGrain
{
    /// <summary>The checkpoint that was asked for last, until it is known to have ended.</summary>
    private Checkpoint? _checkpoint;

    public async Task<string> ClaimAsync(string job)
    {
        if (_checkpoint is { } checkpoint && await RunsAsync(checkpoint)) return checkpoint.Key.Job;
        if (place.State.Holder is { } holder) return holder;
        place.State = new PlaceState { Holder = job };
        await WriteAsync(place.WriteStateAsync);
        return job;
    }

    public async Task ReleaseAsync(string job)
    {
        if (place.State.Holder == job) await WriteAsync(place.ClearStateAsync);
    }

    public async Task<StepAnswer> CheckpointAsync(StepKey key, string directory, bool leaveRunning, TimeSpan patience)
    {
        (VmId vm, WorkloadId workload) = ParseKey(this.GetPrimaryKeyString());
        if (place.State.Holder is { } holder)
        {
            throw new EngineException(FailureKind.Refused, $"{workload} in {vm} is being moved by job {holder}; wait for it, or cancel it with 'watari jobs cancel {holder}'.");
        }

        if (_checkpoint is { } other && other.Key.Job != key.Job && await RunsAsync(other))
        {
            throw new EngineException(FailureKind.Refused, $"A checkpoint of {workload} in {vm} is being made already; wait for it.");
        }

        _checkpoint = new Checkpoint(key, vm.Vm, workload, directory, leaveRunning);
        return await AskAsync(_checkpoint, patience);
    }

    private async Task<bool> RunsAsync(Checkpoint checkpoint)
    {
        try
        {
            return !(await AskAsync(checkpoint, TimeSpan.Zero)).Finished;
        }
        catch (EngineException)
        {
            return false;
        }
    }

    private async Task<StepAnswer> AskAsync(Checkpoint checkpoint, TimeSpan patience)
    {
        VmId vm = ParseKey(this.GetPrimaryKeyString()).Vm;
        try
        {
            StepAnswer answer = await GrainFactory.GetGrain<IHostGrain>(vm.Host).ExecuteAsync(checkpoint, patience);
            if (answer.Finished) _checkpoint = null;
            return answer;
        }
        catch (EngineException)
        {
            _checkpoint = null;
            throw;
        }
    }

    /// <summary>A failed write may have landed: the state is read again before anything else is decided on it.</summary>
    private async Task WriteAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch
        {
            DeactivateOnIdle();
            throw;
        }
    }

    private static (VmId Vm, WorkloadId Workload) ParseKey(string key)
    {
        string[] parts = key.Split('/', 3);
        return (new VmId(parts[0], parts[1]), parts[2].StartsWith("pid:", StringComparison.Ordinal)
            ? WorkloadId.OfProcessTree(int.Parse(parts[2].AsSpan(4), System.Globalization.CultureInfo.InvariantCulture))
            : WorkloadId.OfContainer(parts[2]));
    }
}

/// <summary>Which job holds a place.</summary>
public sealed class PlaceState
{
    public string? Holder { get; init; }
}
