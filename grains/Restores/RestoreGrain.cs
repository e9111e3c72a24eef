using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Jobs;
using Watari.Grains.Migrations;

namespace Watari.Grains.Restores;

/// <inheritdoc cref="IRestoreGrain"/>
/// <remarks>
/// The archive stays where it is and its container does not run elsewhere for this job, so what was not heard of to its end is undone:
/// the guest's agent knows whether the container was there already, which then stays. Its end is kept for a while: it may have been heard
/// by another than who asked for it.
/// </remarks>
[GrainType("restore")]
internal sealed partial class RestoreGrain(
    [PersistentState("restore")] IPersistentState<RestoreState> restore,
    EngineCalls engines,
    TimeProvider time,
    ILogger<RestoreGrain> logger) : Grain, IRestoreGrain, IRemindable
{
    private const string ReminderName = "follow";
    private const string Step = "restore-archive";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly Undo _undo = new(engines);

    private string Job => this.GetPrimaryKeyString();

    public async Task<StepAnswer> RestoreAsync(VmId vm, ArchiveRestore options, TimeSpan patience)
    {
        if (restore.State.Command is { } begun) return await FollowAsync(begun, patience);
        if (restore.State.End is { } end) return end.Answer();
        var key = new StepKey(Job, default(Epoch).Next(), Step);
        var command = new RestoreArchive(key, vm.Vm, WorkloadId.OfContainer(options.Name ?? Path.GetFileName(options.Path)), options);
        await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
        await this.PutAsync(restore, new RestoreState { Vm = vm, Command = command, Epoch = key.Epoch });
        return (await EndedAsync(command, async () => await Host(vm).ExecuteAsync(command, patience)))!;
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        try
        {
            if (restore.State.Command is { } command) await FollowAsync(command, TimeSpan.Zero);
        }
        catch (Exception e) when (e is EngineException or OrleansException or TimeoutException)
        {
            // It has failed, and is over; or its host is silent, and it is looked after the next time.
            NotFollowed(e, Job, restore.State.Command is null);
        }

        if (restore.State.Command is not null || restore.State.End?.IsKept(time.GetUtcNow()) == true) return;
        await this.RemoveAsync(restore);
        if (await this.GetReminder(ReminderName) is { } reminder) await this.UnregisterReminder(reminder);
    }

    private IHostGrain Host(VmId vm) => GrainFactory.GetGrain<IHostGrain>(vm.Host);

    /// <exception cref="EngineException">It failed, or was undone.</exception>
    private async Task<StepAnswer> FollowAsync(RestoreArchive command, TimeSpan patience)
    {
        IHostGrain host = Host(restore.State.Vm);
        if (restore.State.Epoch == command.Key.Epoch && await EndedAsync(command, () => host.FollowAsync(command.Key, patience)) is { } answer) return answer;
        return await UndoAsync(command) ? restore.State.End!.Answer() : new StepAnswer(false);
    }

    private async Task<StepAnswer?> EndedAsync(RestoreArchive command, Func<Task<StepAnswer?>> ask)
    {
        try
        {
            StepAnswer? answer = await ask();
            if (answer is { Finished: true }) await EndAsync(answer.Report, null);
            return answer;
        }
        catch (EngineException e) when (e.Kind is FailureKind.Refused or FailureKind.NotFound or FailureKind.RestoreFailed or FailureKind.Fenced)
        {
            // The engine has touched nothing, or has cleaned up.
            await EndAsync(null, StepFailure.Of(e));
            throw;
        }
        catch (EngineException e) when (e.Kind != FailureKind.HostLost)
        {
            await this.PutAsync(restore, restore.State with { Epoch = restore.State.Epoch.Next(), Failure = StepFailure.Of(e) });
            await TryUndoAsync(command);
            throw;
        }
    }

    /// <summary>It may have left something in the guest. What cannot be removed now is removed by the reminder.</summary>
    private async Task TryUndoAsync(RestoreArchive command)
    {
        try
        {
            await UndoAsync(command);
        }
        catch (Exception e) when (e is EngineException or OrleansException or TimeoutException)
        {
            NotFollowed(e, Job, restore.State.Command is null);
        }
    }

    /// <summary>What is left half made of it in the guest is removed, in a newer epoch.</summary>
    /// <returns>False: it is still at work.</returns>
    /// <exception cref="EngineException">It cannot be, and is tried again when somebody asks next.</exception>
    private async Task<bool> UndoAsync(RestoreArchive command)
    {
        VmId vm = restore.State.Vm;
        if (restore.State.Epoch == command.Key.Epoch) await this.PutAsync(restore, restore.State with { Epoch = restore.State.Epoch.Next() });
        Undoing(command.Key, vm);
        if (!await _undo.TryAsync(Host(vm), vm, Job, restore.State.Epoch, key => new RollBackDestination(key, command.Vm, command.Workload))) return false;
        await EndAsync(null, restore.State.Failure ?? new StepFailure(
            FailureKind.Interrupted,
            $"The silo of host '{vm.Host}' stopped while {command.Options.Path} was being restored into {vm}: the container runs there if it was restored before that ('watari ps --vm {vm}' tells), and else nothing of it is left there."));
        return true;
    }

    private Task EndAsync(EngineReport? report, StepFailure? failure) =>
        this.PutAsync(restore, new RestoreState { Vm = restore.State.Vm, End = new JobEnd(Job, time.GetUtcNow(), report, failure) });

    [LoggerMessage(Level = LogLevel.Warning, Message = "Restore {Key} into {Vm} is undone")]
    private partial void Undoing(StepKey key, VmId vm);

    [LoggerMessage(Level = LogLevel.Information, Message = "Restore {Job} was looked after; it is over: {IsOver}")]
    private partial void NotFollowed(Exception e, string job, bool isOver);
}

/// <summary>A restore, from its begin until its end needs not be told any more.</summary>
public sealed record RestoreState
{
    public VmId Vm { get; init; }

    /// <summary>Null: it has ended, or was never begun.</summary>
    public RestoreArchive? Command { get; init; }

    /// <summary>In which it may command its host.</summary>
    public Epoch Epoch { get; init; }

    /// <summary>Why it is being undone; null: its host's silo ended.</summary>
    public StepFailure? Failure { get; init; }

    public JobEnd? End { get; init; }
}
