using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Cluster;

/// <summary>
/// One on each silo: whenever a silo comes or goes it calls every job that has not ended, which brings those that died with a silo
/// back to life at once, where their reminders would take up to a minute.
/// </summary>
internal sealed partial class Supervisor(IClusterMembershipService membership, IGrainFactory grains, ILogger<Supervisor> logger) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private Task _watch = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(
        nameof(Supervisor),
        ServiceLifecycleStage.Active,
        _ =>
        {
            _watch = Task.Run(WatchAsync, CancellationToken.None);
            return Task.CompletedTask;
        },
        async cancellationToken =>
        {
            await _stopping.CancelAsync();
            await _watch.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });

    public void Dispose() => _stopping.Dispose();

    private async Task WatchAsync()
    {
        try
        {
            string last = "";
            await foreach (ClusterMembershipSnapshot snapshot in membership.MembershipUpdates.WithCancellation(_stopping.Token))
            {
                string silos = string.Join(' ', snapshot.Members.Values.Where(m => m.Status == SiloStatus.Active).Select(m => m.SiloAddress.ToString()).Order(StringComparer.Ordinal));
                if (silos == last) continue;
                last = silos;
                await WakeJobsAsync();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
    }

    private async Task WakeJobsAsync()
    {
        try
        {
            ImmutableArray<JobSummary> jobs = await grains.GetGrain<IJobIndexGrain>(0).ListAsync();
            await Task.WhenAll(jobs.Where(job => job.Ended is null).Select(job => grains.GetGrain<IMigrationGrain>(job.Id).GetAsync()));
        }
        catch (Exception e)
        {
            // The next change of the membership, or the jobs' reminders, will do it.
            NotAllWoken(e);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Not every job could be called after the membership changed")]
    private partial void NotAllWoken(Exception e);
}
