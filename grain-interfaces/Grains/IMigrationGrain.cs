using Orleans.Concurrency;
using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>A migration. Key: the job's id, see <see cref="JobId"/>.</summary>
[Alias("watari.IMigrationGrain")]
public interface IMigrationGrain : IGrainWithStringKey
{
    /// <summary>Says what a migration would meet; touches and stores nothing.</summary>
    /// <exception cref="EngineException">The container, a VM or a host is unknown, or does not answer.</exception>
    [Alias("Plan"), ResponseTimeout("00:01:00")]
    Task<MigrationPlan> PlanAsync(MigrationRequest request);

    /// <summary>Starts the migration and returns once it is on disk; asked again, it answers with the job as it is.</summary>
    [Alias("Start"), ResponseTimeout("00:00:15")]
    Task<MigrationJob> StartAsync(MigrationRequest request);

    /// <returns>Null: there is no such job.</returns>
    [Alias("Get"), AlwaysInterleave, ResponseTimeout("00:00:05")]
    Task<MigrationJob?> GetAsync();

    /// <summary>Turns the migration back and returns once that is on disk; the roll back itself goes on.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: it is committed, and goes forward. <see cref="FailureKind.NotFound"/>: no such job.</exception>
    [Alias("Cancel"), AlwaysInterleave, ResponseTimeout("00:00:15")]
    Task<MigrationJob> CancelAsync();

    /// <summary>
    /// Takes a job off the list, with all that is stored of it. Where it still tidies up, that ends, and what it could not reach is left
    /// as it is: frozen, and never thawed by a job.
    /// </summary>
    /// <param name="force">Also where the source is not known to run again, for a host that will not come back.</param>
    /// <returns>The job as it was left.</returns>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: the container does not run yet where it will stay. <see cref="FailureKind.NotFound"/>: no such job.</exception>
    [Alias("Forget"), ResponseTimeout("00:00:15")]
    Task<MigrationJob> ForgetAsync(bool force);

    /// <summary>The job as it is, then each change, with a repetition every two seconds; ends with the job.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.NotFound"/>: no such job.</exception>
    [Alias("Watch"), AlwaysInterleave]
    IAsyncEnumerable<MigrationJob> WatchAsync(CancellationToken cancellationToken = default);
}
