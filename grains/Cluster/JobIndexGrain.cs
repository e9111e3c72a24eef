using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Jobs;

namespace Watari.Grains.Cluster;

/// <inheritdoc cref="IJobIndexGrain"/>
[GrainType("jobs")]
internal sealed class JobIndexGrain([PersistentState("jobs")] IPersistentState<JobIndexState> index) : Grain, IJobIndexGrain
{
    /// <summary>Jobs that ended are listed until so many newer ones have; each keeps its own state beyond that.</summary>
    public const int Kept = 200;

    public Task PutAsync(JobSummary job) => WriteAsync([.. index.State.Jobs.Where(j => j.Id != job.Id), job]);

    public Task RemoveAsync(string job) => WriteAsync([.. index.State.Jobs.Where(j => j.Id != job)]);

    public Task<ImmutableArray<JobSummary>> ListAsync() => Task.FromResult(index.State.Jobs);

    private Task WriteAsync(ImmutableArray<JobSummary> jobs)
    {
        HashSet<string> tooOld = [.. jobs.Where(j => j.Ended is not null).OrderByDescending(j => j.Ended).Skip(Kept).Select(j => j.Id)];
        return this.PutAsync(index, new JobIndexState { Jobs = [.. jobs.Where(j => !tooOld.Contains(j.Id))] });
    }
}

public sealed class JobIndexState
{
    public ImmutableArray<JobSummary> Jobs { get; init; } = [];
}
