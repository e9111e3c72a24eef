using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Containers;
using Watari.Grains.Migrations;
using Watari.Grains.Restores;

namespace Watari.Grains.Hosts;

/// <summary>
/// What is on disk of the jobs that command this host. A grain that asks may be of an earlier life of its job, and this host's memory
/// of epochs ends with its silo; what the job has written is neither.
/// </summary>
internal sealed class JobRecords(string host, [FromKeyedServices("Default")] IGrainStorage storage)
{
    /// <returns>The epoch in which the command's job may command hosts now; null: it has ended, or there is none.</returns>
    /// <exception cref="EngineException"><see cref="FailureKind.HostLost"/>: the disk does not answer; ask again.</exception>
    public async Task<Epoch?> EpochOfAsync(EngineCommand command)
    {
        string job = command.Key.Job;
        try
        {
            StoredJob? migration = await ReadAsync<StoredJob>("migration", job, "job");
            if (migration?.Job is { } stored) return stored.IsTerminal ? null : stored.Epoch;
            RestoreState? restore = await ReadAsync<RestoreState>("restore", job, "restore");
            if (restore?.Command is not null) return restore.Epoch;
            PlaceState? place = await ReadAsync<PlaceState>("container", ContainerGrains.KeyOf(new VmId(host, command.Vm), command.Workload), "place");
            return place?.Holder == job ? place.Epoch : null;
        }
        catch (Exception e)
        {
            throw new EngineException(FailureKind.HostLost, $"Host '{host}' cannot read what is stored of job {job} ({e.Message}).");
        }
    }

    private async Task<T?> ReadAsync<T>(string type, string key, string state)
        where T : class, new()
    {
        var read = new GrainState<T>(new T());
        await storage.ReadStateAsync(state, GrainId.Create(type, key), read);
        return read.RecordExists ? read.State : null;
    }
}
