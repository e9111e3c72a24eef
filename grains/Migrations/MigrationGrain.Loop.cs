using Orleans.Storage;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;

namespace Watari.Grains.Migrations;

/// <content>The loop: it runs on the grain's scheduler for as long as the job is not at its end, and it alone writes.</content>
internal sealed partial class MigrationGrain
{
    private MigrationJob Job => _job!;

    /// <param name="resumed">Why the loop does not begin at the beginning; null where it does.</param>
    private async Task RunAsync(string? resumed)
    {
        DelayDeactivation(TimeSpan.FromDays(1));
        try
        {
            while (true)
            {
                try
                {
                    if (resumed is not null) await ResumeAsync(resumed);
                    while (!Job.IsTerminal) await WorkAsync();
                    await CloseAsync(Job);
                    return;
                }
                catch (StateUnknownException e)
                {
                    StateUnknown(e, Id);
                    resumed = $"The job's state could not be written ({e.InnerException!.Message})";
                    await LetSourceRunAsync(resumed);
                    await PauseAsync(attempt: 1, _stopping.Token);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The job goes on in the next activation.
        }
        catch (InconsistentStateException e)
        {
            // Another activation has written: it is the one that goes on.
            Overtaken(e, Id);
            DeactivateOnIdle();
        }
        catch (Exception e)
        {
            LoopFailed(e, Id);
            DeactivateOnIdle();
        }
        finally
        {
            _decided.TrySetResult();
            DelayDeactivation(TimeSpan.Zero);
        }
    }

    /// <summary>
    /// What jobs are kept in may be away for long, and a frozen container need not wait for it: until a commit is written the source may
    /// run, and no activation commits a job that it has not frozen itself. So it is thawed at once, if the epoch on disk is known to be
    /// this activation's, and no write of a commit is under way that could still land.
    /// </summary>
    private async Task LetSourceRunAsync(string why)
    {
        if (_sourceRuns || !_leads || _commitInDoubt || Job.Failure is not null || Job.State is < MigrationState.PreCopying or > MigrationState.Ready) return;
        try
        {
            await engines.RunAsync(Job, MigrationTable.RollBackSource, _letRunAttempt, _ => { }, _stopping.Token);
            _sourceRuns = true;
            Publish(Job with { Problem = $"{why}: {Job.Request.Workload} runs on in {Job.Request.Source} until it can be" });
        }
        catch (Exception e) when (e is UnansweredException or EngineException)
        {
            TryingAgain(Id, MigrationTable.RollBackSource.Name, Job.Request.Source, _letRunAttempt, e.Message);
            // One that has failed would answer so for ever: the next attempt has a key of its own.
            if (e is EngineException) _letRunAttempt++;
        }
    }

    /// <summary>
    /// Reads what is on disk and writes a newer epoch over it. After that write no write or command of an earlier life of the job
    /// can take effect, so what was read is what is true.
    /// </summary>
    private async Task ResumeAsync(string why)
    {
        try
        {
            await stored.ReadStateAsync();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new StateUnknownException(Job.State, e);
        }

        if (stored.State.Job is not { } found)
        {
            throw new InvalidOperationException($"The state of job {Id} has been removed.");
        }

        // What another activation has written is not this one's to undo.
        _leads &= found.Epoch == Job.Epoch;
        // What is being tried is shown until it has succeeded.
        _job = found with { Problem = Job.Problem ?? found.Problem };
        if (!found.IsTerminal) await TakeOverAsync(found, why);
        if (found.IsTerminal || Job.Failure is not null || Job.State == MigrationState.Committed) _decided.TrySetResult();
    }

    private async Task TakeOverAsync(MigrationJob found, string why)
    {
        Epoch epoch = found.Epoch.Next();
        Resumed(Id, found.State, epoch);
        bool turnBack = found.Failure is null && MigrationTable.Of(found.State).Resuming == Resuming.RollBack;
        await WriteAsync(found with
        {
            Epoch = epoch,
            Failure = !turnBack ? found.Failure : new JobFailure(FailureKind.Internal, $"{why} while it was {Doing(found)}.", found.State, time.GetUtcNow()),
        });
    }

    private async Task WorkAsync()
    {
        if (Job.Failure is not null)
        {
            await RollBackAsync();
            return;
        }

        Transition row = MigrationTable.Of(Job.State);
        if (row.Failing == Failing.TryAgain)
        {
            await FinishAsync();
            return;
        }

        try
        {
            await AdvanceAsync(await BeforeCommitAsync(row));
        }
        catch (EngineException e)
        {
            Failed(Id, Job.State, e.Kind, e.Message);
            await TurnBackAsync(e, row);
        }
    }

    /// <summary>The steps of a state before the commit, under the user's deadline and cancellation.</summary>
    /// <exception cref="EngineException">A step failed, or its time is over, or the user has cancelled.</exception>
    private async Task<MigrationJob> BeforeCommitAsync(Transition row)
    {
        TimeSpan left = Job.Request.Timeout is { } limit ? limit - (time.GetUtcNow() - Job.Created) : Timeout.InfiniteTimeSpan;
        using var late = new CancellationTokenSource();
        if (left != Timeout.InfiniteTimeSpan) late.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, _cancelled.Token, late.Token);
        try
        {
            MigrationJob job = Job;
            if (row.From == MigrationState.Planned) await ClaimAsync(job);
            foreach (Step step in row.Steps.Where(step => step.Applies?.Invoke(job) ?? true))
            {
                if (step == MigrationTable.Freeze) Publish(job = job with { FreezeAsked = time.GetUtcNow() });
                job = await engines.RunAsync(job, step, attempt: 1, transfer => Publish(Job with { Transfer = transfer }), stop.Token);
            }

            stop.Token.ThrowIfCancellationRequested();
            return job;
        }
        catch (UnansweredException e)
        {
            throw new EngineException(e.Kind, e.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !_stopping.IsCancellationRequested)
        {
            throw _cancelled.IsCancellationRequested
                ? new EngineException(FailureKind.Cancelled, "The migration was cancelled.")
                : new EngineException(FailureKind.TimedOut, $"The migration was not ready to commit after {Job.Request.Timeout!.Value.TotalSeconds:0.#} s.");
        }
    }

    /// <summary>Writes the state that follows; states without work of their own before it go into the same write.</summary>
    private async Task AdvanceAsync(MigrationJob job)
    {
        MigrationState next = MigrationTable.Of(job.State).To;
        job = Enter(job, next);
        if (next == MigrationState.Captured) job = Enter(job, MigrationTable.Of(next).To);
        await WriteAsync(job);
        if (next == MigrationState.Committed) _decided.TrySetResult();
    }

    /// <summary>Writes why the job turns back, in a newer epoch: what runs of the older one is overtaken.</summary>
    private async Task TurnBackAsync(EngineException e, Transition row)
    {
        MigrationJob job = Job with
        {
            Epoch = Job.Epoch.Next(),
            Failure = new JobFailure(e.Kind, e.Message, Job.State, time.GetUtcNow()),
            Transfer = Job.Transfer,
        };
        if (row.Failing == Failing.Refuse) await EndAsync(job, e.Kind == FailureKind.Cancelled ? MigrationState.RolledBack : MigrationState.Refused);
        else await WriteAsync(job);
        _decided.TrySetResult();
    }

    private async Task ClaimAsync(MigrationJob job)
    {
        foreach (VmId vm in new[] { job.Request.Source, job.Request.Destination })
        {
            PlaceHolder holder;
            try
            {
                holder = await GrainFactory.GetContainerGrain(vm, job.Request.Workload).ClaimAsync(Id);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                throw new EngineException(FailureKind.HostLost, $"The claim on {job.Request.Workload} in {vm} was not answered: {e.Message}");
            }

            if (holder.Job == Id) continue;
            throw new EngineException(FailureKind.Refused, holder.Operation is { } operation
                ? $"{Operation.Name(operation)} of {job.Request.Workload} in {vm} is at work since {holder.Since:HH:mm:ss} UTC; wait for it."
                : $"Job {holder.Job} is at work on {job.Request.Workload} in {vm}; wait for it, or cancel it with 'watari jobs cancel {holder.Job}'.");
        }
    }

    /// <summary>Writes the last state while the claims are still held: until it is on disk, another life of the job may command the hosts.</summary>
    private async Task EndAsync(MigrationJob job, MigrationState end)
    {
        await WriteAsync(Enter(job, end) with { Problem = null });
        Ended(Id, end, job.Request.Workload, Job.Whereabouts);
    }

    /// <summary>What is left of a job that has ended: its claims are given up, its line is in the list, and there is no reminder. Done again until it succeeds.</summary>
    private async Task CloseAsync(MigrationJob? job)
    {
        if (await this.GetReminder(ReminderName) is not { } reminder) return;
        if (job is not null)
        {
            foreach (VmId vm in new[] { job.Request.Source, job.Request.Destination })
            {
                await GrainFactory.GetContainerGrain(vm, job.Request.Workload).ReleaseAsync(Id);
            }

            await GrainFactory.GetGrain<IJobIndexGrain>(0).PutAsync(JobSummary.Of(job));
        }

        await this.UnregisterReminder(reminder);
    }

    private MigrationJob Enter(MigrationJob job, MigrationState state) =>
        job with { State = state, History = [.. job.History, new StateChange(state, time.GetUtcNow())] };

    /// <exception cref="StateUnknownException">The write failed, and may have landed.</exception>
    /// <exception cref="InconsistentStateException">Another activation of this job has written.</exception>
    private async Task WriteAsync(MigrationJob job)
    {
        string point = $"write.{job.State}";
        try
        {
            // Also a commit that is reported as failed may land, until a later write is known to have.
            _commitInDoubt |= job.State == MigrationState.Committed;
            await faults.HitAsync(FaultPoints.Before(point), _stopping.Token);
            stored.State = new StoredJob { Job = job };
            await stored.WriteStateAsync();
            await faults.HitAsync(FaultPoints.After(point), _stopping.Token);
        }
        catch (Exception e) when (e is not (OperationCanceledException or InconsistentStateException))
        {
            throw new StateUnknownException(job.State, e);
        }

        (_leads, _commitInDoubt) = (true, false);
        Publish(job);
    }

    private void Publish(MigrationJob job)
    {
        _job = job;
        foreach (var watcher in _watchers) watcher.Writer.TryWrite(job);
    }

    private Task PauseAsync(int attempt, CancellationToken cancellationToken)
    {
        TimeSpan longest = Job.IsSettled ? options.Value.LongestTidyingPause : options.Value.LongestPause;
        double pause = options.Value.FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 10));
        return Task.Delay(TimeSpan.FromMilliseconds(Math.Min(pause, longest.TotalMilliseconds)), cancellationToken);
    }

    private static string Doing(MigrationJob job) => job.State switch
    {
        MigrationState.Preparing => "preparing the destination",
        MigrationState.PreCopying when job.CopiesVolumes => "copying volumes or freezing the container",
        MigrationState.PreCopying => "freezing the container",
        MigrationState.Frozen => "capturing the container",
        MigrationState.Ready => "about to commit",
        _ => "restoring the container",
    };
}
