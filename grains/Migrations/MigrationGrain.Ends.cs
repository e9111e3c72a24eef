using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Migrations;

/// <content>The two ends of a job: forward after the commit, back before it. Each step is tried until it is done, or what it is about is gone.</content>
internal sealed partial class MigrationGrain
{
    private async Task FinishAsync()
    {
        if (Job.Destination == SideOutcome.Open)
        {
            if (await UntilDoneAsync(MigrationTable.Thaw) == SideOutcome.Lost)
            {
                // The copy that was committed died before it was known to run, and nothing of it can run any more. The source,
                // frozen and whole, is the only copy there is: the write below makes it the container again. A VM that is still there
                // is tidied as in any roll back.
                bool gone = await engines.IsGoneAsync(EngineCalls.VmOf(Job, Side.Destination), _stopping.Token);
                await WriteAsync(Job with
                {
                    Epoch = Job.Epoch.Next(),
                    Destination = gone ? SideOutcome.Lost : SideOutcome.Open,
                    Failure = new JobFailure(FailureKind.VmLost, $"The copy in {Job.Request.Destination} was lost before it was known to run: {Job.Problem}", Job.State, time.GetUtcNow()),
                    Problem = null,
                });
                return;
            }

            await WriteAsync(Job with
            {
                Destination = SideOutcome.Settled,
                Downtime = Job.FreezeAsked is { } asked ? DowntimeClock.Between(Job.Phases, time.GetUtcNow() - asked) : null,
                Problem = null,
            });
        }

        SideOutcome source = await UntilDoneAsync(MigrationTable.Retire);
        await EndAsync(Job with { Source = source }, MigrationState.Done);
    }

    /// <summary>Both sides at once: the destination has never run, so the source need not wait for it.</summary>
    private async Task RollBackAsync()
    {
        SideOutcome[] outcomes = await Task.WhenAll(
            Job.Source == SideOutcome.Open ? UntilDoneAsync(MigrationTable.RollBackSource) : Task.FromResult(Job.Source),
            Job.Destination == SideOutcome.Open ? UntilDoneAsync(MigrationTable.RollBackDestination) : Task.FromResult(Job.Destination));
        await EndAsync(Job with { Source = outcomes[0], Destination = outcomes[1] }, MigrationState.RolledBack);
    }

    private async Task<SideOutcome> UntilDoneAsync(Step step)
    {
        // An operator may give up whatever is tidied, and by force the source; never the destination's thaw, for it is the container.
        CancellationToken givenUp = step == MigrationTable.Thaw ? CancellationToken.None : step == MigrationTable.RollBackSource ? _givenUp.Token : _forgotten.Token;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token, givenUp);
        try
        {
            return await UntilDoneAsync(step, stop.Token);
        }
        catch (OperationCanceledException) when (givenUp.IsCancellationRequested && !_stopping.IsCancellationRequested)
        {
            return Settle(step, SideOutcome.Abandoned);
        }
    }

    private async Task<SideOutcome> UntilDoneAsync(Step step, CancellationToken stop)
    {
        VmId vm = EngineCalls.VmOf(Job, step.Side);
        int attempt = 1;
        for (int failures = 1; ; failures++)
        {
            try
            {
                MigrationJob asked = Job;
                MigrationJob done = await engines.RunAsync(asked, step, attempt, _ => { }, stop);
                // The other side may have been published meanwhile: only what this step adds is taken over.
                Publish(Job with
                {
                    Phases = [.. Job.Phases, .. done.Phases.Skip(asked.Phases.Length)],
                    Source = step.Side == Side.Source ? done.Source : Job.Source,
                    Destination = step == MigrationTable.RollBackDestination ? done.Destination : Job.Destination,
                    Problem = ProblemOf(step.Side, null),
                    Left = done.Left ?? Job.Left,
                });
                return SideOutcome.Settled;
            }
            catch (UnansweredException e)
            {
                TryingAgain(Id, step.Name, vm, failures, e.Message);
                Publish(Job with { Problem = ProblemOf(step.Side, e.Message) });
            }
            catch (EngineException e)
            {
                TryingAgain(Id, step.Name, vm, failures, e.Message);
                Publish(Job with { Problem = ProblemOf(step.Side, e.Message) });
                // It has failed and would answer so for ever: the next attempt has a key of its own.
                attempt++;
                if (e.Kind == FailureKind.WorkloadLost) return Settle(step, SideOutcome.Lost);
                if (e.Kind is FailureKind.VmLost or FailureKind.NotFound && await engines.IsGoneAsync(vm, stop)) return Settle(step, SideOutcome.Lost);
            }

            await PauseAsync(failures, stop);
        }
    }

    /// <summary>Keeps what one side has to tell, and says what of both matters more: the source's.</summary>
    private string? ProblemOf(Side side, string? problem)
    {
        _problems[side] = problem;
        return _problems.GetValueOrDefault(Side.Source) ?? _problems.GetValueOrDefault(Side.Destination);
    }

    private SideOutcome Settle(Step step, SideOutcome outcome)
    {
        if (step.Side == Side.Source) Publish(Job with { Source = outcome });
        else if (step == MigrationTable.RollBackDestination) Publish(Job with { Destination = outcome });
        return outcome;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Job {Job} goes on in {State} with epoch {Epoch}")]
    private partial void Resumed(string job, MigrationState state, Epoch epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job} turns back in {State}: {Kind}: {Reason}")]
    private partial void Failed(string job, MigrationState state, FailureKind kind, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Job {Job} is {State}: {Workload} {Whereabouts}")]
    private partial void Ended(string job, MigrationState state, WorkloadId workload, string whereabouts);

    [LoggerMessage(Level = LogLevel.Information, Message = "Job {Job} is forgotten: {Workload} {Whereabouts}")]
    private partial void Forgotten(string job, WorkloadId workload, string whereabouts);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job}: step {Step} in {Vm} failed {Failures} times and is tried again: {Reason}")]
    private partial void TryingAgain(string job, string step, VmId vm, int failures, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job} reads its state again")]
    private partial void StateUnknown(Exception e, string job);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Job {Job} is led by another activation")]
    private partial void Overtaken(Exception e, string job);

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Job} stopped in a way that is not foreseen; its reminder will take it up")]
    private partial void LoopFailed(Exception e, string job);
}
