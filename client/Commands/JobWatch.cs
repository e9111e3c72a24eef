using System.Diagnostics;
using System.Runtime.InteropServices;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary>
/// Follows a job to its end: a line that is redrawn on a terminal, a line for each change in a pipe. Ctrl-C cancels the job and goes
/// on waiting; a second one detaches from it.
/// </summary>
internal static class JobWatch
{
    /// <summary>How long to wait for tidying up that goes on without a problem: an engine on a slow machine takes its time to remove a container.</summary>
    private static readonly TimeSpan TidyingPatience = TimeSpan.FromSeconds(150);

    /// <summary>How long to wait for tidying up that fails again and again: the container runs, whatever becomes of it.</summary>
    private static readonly TimeSpan StuckTidyingPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long to watch a roll back, or a thaw, that fails again and again.</summary>
    private static readonly TimeSpan StuckPatience = TimeSpan.FromSeconds(60);

    /// <summary>How long a person who detaches waits until the cancellation that was asked for before is on its way.</summary>
    private static readonly TimeSpan FarewellPatience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan SilencePatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    /// <param name="cancelFirst">False: the first Ctrl-C detaches already.</param>
    /// <returns>The job at its end, or as far as can be waited for; null where the person detached.</returns>
    public static async Task<MigrationJob?> FollowAsync(Conversation cluster, Terminal terminal, MigrationJob job, bool cancelFirst)
    {
        try
        {
            await using IProgressView view = terminal.IsLive ? new LiveView(terminal) : new PlainView(terminal);
            return await FollowAsync(cluster, view, job, cancelFirst);
        }
        catch (OperationCanceledException)
        {
            terminal.Say($"detached; job {job.Id} goes on: 'watari jobs watch {job.Id}' follows it, 'watari jobs cancel {job.Id}' turns it back");
            return null;
        }
    }

    /// <exception cref="OperationCanceledException">The person detached.</exception>
    private static async Task<MigrationJob> FollowAsync(Conversation cluster, IProgressView view, MigrationJob job, bool cancelFirst)
    {
        using var detached = new CancellationTokenSource();
        int interrupts = cancelFirst ? 0 : 1;
        var cancelling = Task.CompletedTask;
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            if (Interlocked.Increment(ref interrupts) == 1) cancelling = CancelAsync(cluster.Job(job.Id), view, detached.Token);
            else detached.Cancel();
        });
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            detached.Cancel();
        });
        view.Show(job);
        try
        {
            MigrationJob end = await WatchAsync(cluster.Job(job.Id), job, view.Show, detached.Token);
            await cancelling;
            return end;
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAny(cancelling, Task.Delay(FarewellPatience, CancellationToken.None));
            throw;
        }
    }

    /// <param name="detached">From then on nobody is told how it went: where the job stands is said where the person detaches.</param>
    private static async Task CancelAsync(IMigrationGrain job, IProgressView view, CancellationToken detached)
    {
        try
        {
            view.Say("cancelling; Ctrl-C again detaches");
            await job.CancelAsync();
        }
        catch (EngineException e)
        {
            if (!detached.IsCancellationRequested) view.Say(e.Message);
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            if (!detached.IsCancellationRequested) view.Say($"The cancellation was not answered ({e.Message}); 'watari jobs cancel' asks again.");
        }
    }

    /// <summary>Watches through silos that die; returns when the job has ended, or when what is left is tidying up or goes wrong again and again.</summary>
    private static async Task<MigrationJob> WatchAsync(IMigrationGrain grain, MigrationJob job, Action<MigrationJob> show, CancellationToken detached)
    {
        long? waiting = null;
        long heard = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await foreach (MigrationJob seen in grain.WatchAsync(detached).WithBatchSize(1).WithCancellation(detached))
                {
                    job = seen;
                    heard = Stopwatch.GetTimestamp();
                    show(job);
                    if (job.IsTerminal) return job;
                    if (!job.IsSettled && job.Problem is null) waiting = null;
                    else if (Stopwatch.GetElapsedTime(waiting ??= heard) > Patience(job)) return job;
                }
            }
            catch (Exception e) when (e is EnumerationAbortedException or TimeoutException or OrleansException)
            {
                if (Stopwatch.GetElapsedTime(heard) > SilencePatience)
                {
                    throw new CommandException(ExitCodes.Unknown, $"Nothing has been heard of job {job.Id} for {SilencePatience.TotalSeconds:0} s; {job.Request.Workload} {job.Whereabouts}, as far as is known. 'watari jobs show {job.Id}' says more once a silo answers.");
                }
            }

            await Task.Delay(Pause, detached);
        }
    }

    private static TimeSpan Patience(MigrationJob job) => (job.IsSettled, job.Problem) switch
    {
        (false, _) => StuckPatience,
        (true, null) => TidyingPatience,
        _ => StuckTidyingPatience,
    };
}
