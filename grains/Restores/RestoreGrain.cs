using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Migrations;

namespace Watari.Grains.Restores;

/// <inheritdoc cref="IRestoreGrain"/>
/// <remarks>
/// The archive stays where it is and its container does not run elsewhere for this job, so what was not heard of to its end is undone:
/// the guest's agent knows whether the container was there already, which then stays.
/// </remarks>
[GrainType("restore")]
internal sealed partial class RestoreGrain(
    [PersistentState("restore")] IPersistentState<RestoreState> restore,
    EngineCalls engines,
    ILogger<RestoreGrain> logger) : Grain, IRestoreGrain, IRemindable
{
    private const string ReminderName = "follow";
    private const string Step = "restore-archive";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    /// <summary>How long one call looks at a restore that is being undone.</summary>
    private static readonly TimeSpan UndoPatience = TimeSpan.FromSeconds(5);

    private int _attempt;

    private string Job => this.GetPrimaryKeyString();

    public async Task<StepAnswer> RestoreAsync(VmId vm, ArchiveRestore options, TimeSpan patience)
    {
        if (restore.State.Command is { } begun) return await FollowAsync(begun, patience);
        var key = new StepKey(Job, default(Epoch).Next(), Step);
        // Asked for again after its end, because the answer was lost: it must not be done twice.
        if (await Host(vm).FollowAsync(key, TimeSpan.Zero) is { } known) return known;

        var command = new RestoreArchive(key, vm.Vm, WorkloadId.OfContainer(options.Name ?? Path.GetFileName(options.Path)), options);
        await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
        await WriteAsync(new RestoreState { Vm = vm, Command = command, Epoch = key.Epoch });
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

        if (restore.State.Command is null && await this.GetReminder(ReminderName) is { } reminder) await this.UnregisterReminder(reminder);
    }

    private IHostGrain Host(VmId vm) => GrainFactory.GetGrain<IHostGrain>(vm.Host);

    /// <exception cref="EngineException">It failed, or was undone.</exception>
    private async Task<StepAnswer> FollowAsync(RestoreArchive command, TimeSpan patience)
    {
        VmId vm = restore.State.Vm;
        if (restore.State.Epoch == command.Key.Epoch && await EndedAsync(command, () => Host(vm).FollowAsync(command.Key, patience)) is { } answer) return answer;
        if (!await UndoAsync(command)) return new StepAnswer(false);
        throw new EngineException(
            FailureKind.Interrupted,
            $"The silo of host '{vm.Host}' stopped while {command.Options.Path} was being restored into {vm}: the container runs there if it was restored before that ('watari ps --vm {vm}' tells), and else nothing of it is left there.");
    }

    private async Task<StepAnswer?> EndedAsync(RestoreArchive command, Func<Task<StepAnswer?>> ask)
    {
        try
        {
            StepAnswer? answer = await ask();
            if (answer is { Finished: true }) await EndAsync();
            return answer;
        }
        catch (EngineException e) when (e.Kind is FailureKind.Refused or FailureKind.NotFound or FailureKind.RestoreFailed or FailureKind.Fenced)
        {
            // The engine has touched nothing, or has cleaned up.
            await EndAsync();
            throw;
        }
        catch (EngineException e) when (e.Kind != FailureKind.HostLost)
        {
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
        if (restore.State.Epoch == command.Key.Epoch) await WriteAsync(restore.State with { Epoch = restore.State.Epoch.Next() });
        Undoing(command.Key, vm);
        try
        {
            var key = new StepKey(Job, restore.State.Epoch, _attempt == 0 ? "undo" : $"undo.{_attempt + 1}");
            if (!(await Host(vm).ExecuteAsync(new RollBackDestination(key, command.Vm, command.Workload), UndoPatience)).Finished) return false;
        }
        catch (EngineException e) when (e.Kind != FailureKind.HostLost)
        {
            // It would answer so for ever: the next attempt has a key of its own.
            _attempt++;
            if (e.Kind is not (FailureKind.VmLost or FailureKind.NotFound) || !await engines.IsGoneAsync(vm, CancellationToken.None)) throw;
        }

        await EndAsync();
        return true;
    }

    private async Task EndAsync()
    {
        await WriteAsync(restore.ClearStateAsync);
        restore.State = new RestoreState();
        _attempt = 0;
    }

    private Task WriteAsync(RestoreState state)
    {
        restore.State = state;
        return WriteAsync(restore.WriteStateAsync);
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Restore {Key} into {Vm} is undone")]
    private partial void Undoing(StepKey key, VmId vm);

    [LoggerMessage(Level = LogLevel.Information, Message = "Restore {Job} was looked after; it is over: {IsOver}")]
    private partial void NotFollowed(Exception e, string job, bool isOver);
}

/// <summary>A restore that has not been heard of to its end.</summary>
public sealed record RestoreState
{
    public VmId Vm { get; init; }

    /// <summary>Null: it has ended, or was never begun.</summary>
    public RestoreArchive? Command { get; init; }

    /// <summary>In which it may command its host.</summary>
    public Epoch Epoch { get; init; }
}
