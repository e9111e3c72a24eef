using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Grains.Jobs;
using Watari.Grains.Migrations;

namespace Watari.Grains.Containers;

/// <inheritdoc cref="IContainerGrain"/>
/// <remarks>
/// A migration that holds the place is durable by itself. An operation is not, so the place keeps it: it is on disk before its command
/// is given to the host. A checkpoint that its host does not know any more is undone, for it may have left the container frozen; of a
/// pause, an unpause, a kill or a stop whoever asks is told, for each may be asked for again. How the last operation ended is kept for a while: its
/// end may have been heard by another than who asked for it.
/// </remarks>
[GrainType("container")]
internal sealed partial class ContainerGrain(
    [PersistentState("place")] IPersistentState<PlaceState> place,
    EngineCalls engines,
    TimeProvider time,
    ILogger<ContainerGrain> logger) : Grain, IContainerGrain, IRemindable
{
    private const string ReminderName = "follow";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly Undo _undo = new(engines);

    private VmId Vm => ParseKey(this.GetPrimaryKeyString()).Vm;

    private WorkloadId Workload => ParseKey(this.GetPrimaryKeyString()).Workload;

    private IHostGrain Host => GrainFactory.GetGrain<IHostGrain>(Vm.Host);

    private JobEnd? Last => place.State.Last is { } last && last.IsKept(time.GetUtcNow()) ? last : null;

    public async Task<PlaceHolder> ClaimAsync(string job)
    {
        if (place.State.Holder != job) await LookAfterAsync();
        if (place.State.Holder is null) await this.PutAsync(place, new PlaceState { Holder = job, Since = time.GetUtcNow(), Last = Last });
        return new PlaceHolder(place.State.Holder!, place.State.Operation?.Kind, place.State.Since);
    }

    public Task ReleaseAsync(string job) => place.State.Holder == job ? FreeAsync() : Task.CompletedTask;

    public async Task<StepAnswer> CheckpointAsync(StepKey key, CheckpointOptions options, TimeSpan patience)
    {
        if (await KnownAsync(key, patience) is { } known) return known;
        await RequireFreeAsync();

        // The verdict comes before anything is touched, and with it what tells these very tasks from later ones.
        StepAnswer planned = await Host.ExecuteAsync(new PlanSource(key with { Step = "plan" }, Vm.Vm, Workload, Freezer.Outside), patience);
        if (!planned.Finished) return planned;
        SourcePlan plan;
        try
        {
            plan = planned.Plan!.Accepted(Workload);
        }
        catch (EngineException e)
        {
            throw new EngineException(e.Kind, $"{e.Message} {Workload} runs on in {Vm}.");
        }

        var checkpoint = new Checkpoint(key, Vm.Vm, Workload, options);
        var operation = new Operation(OperationKind.Checkpoint, key);
        await OccupyAsync(operation, checkpoint, new SourceTasks(plan.StartTime, Freezer.Outside, plan.ResidentBytes));
        return (await EndedAsync(operation, async () => await Host.ExecuteAsync(checkpoint, patience)))!;
    }

    public Task<StepAnswer> PauseAsync(StepKey key, Actor by, TimeSpan patience) => OperateAsync(OperationKind.Pause, new Pause(key, Vm.Vm, Workload, by), patience);

    public Task<StepAnswer> UnpauseAsync(StepKey key, Actor by, TimeSpan patience) => OperateAsync(OperationKind.Unpause, new Unpause(key, Vm.Vm, Workload, by), patience);

    public Task<StepAnswer> KillAsync(StepKey key, Signal signal, Actor by, TimeSpan patience) => OperateAsync(OperationKind.Kill, new Kill(key, Vm.Vm, Workload, signal, by), patience);

    public Task<StepAnswer> StopAsync(StepKey key, StopOptions options, TimeSpan patience) => OperateAsync(OperationKind.Stop, new StopContainer(key, Vm.Vm, Workload, options), patience);

    public async Task RequireFreeAsync()
    {
        await LookAfterAsync();
        if (place.State.Holder is not { } holder) return;
        throw new EngineException(FailureKind.Refused, place.State.Operation is { } operation
            ? $"{Operation.Name(operation.Kind)} of {Workload} in {Vm} is at work since {place.State.Since:HH:mm:ss} UTC; wait for it."
            : $"{Workload} in {Vm} is being moved by job {holder}; wait for it, or cancel it with 'watari jobs cancel {holder}'.");
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        await LookAfterAsync();
        if (place.State.Operation is not null || Last is not null) return;
        if (place.State is { Holder: null, Last: not null }) await this.RemoveAsync(place);
        if (await this.GetReminder(ReminderName) is { } reminder) await this.UnregisterReminder(reminder);
    }

    private async Task<StepAnswer> OperateAsync(OperationKind kind, EngineCommand command, TimeSpan patience)
    {
        if (await KnownAsync(command.Key, patience) is { } known) return known;
        await RequireFreeAsync();
        var operation = new Operation(kind, command.Key);
        await OccupyAsync(operation);
        return (await EndedAsync(operation, async () => await Host.ExecuteAsync(command, patience)))!;
    }

    /// <summary>An operation that is at work, or has ended and is asked for again because the answer was lost: it must not be done twice.</summary>
    private async Task<StepAnswer?> KnownAsync(StepKey key, TimeSpan patience)
    {
        if (place.State.Operation is { } operation && operation.Key.Job == key.Job) return await FollowAsync(operation, patience);
        return Last is { } last && last.Job == key.Job ? last.Answer() : await Host.FollowAsync(key, TimeSpan.Zero);
    }

    private async Task OccupyAsync(Operation operation, Checkpoint? checkpoint = null, SourceTasks? tasks = null)
    {
        await this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod);
        await this.PutAsync(place, new PlaceState
        {
            Holder = operation.Key.Job,
            Since = time.GetUtcNow(),
            Epoch = operation.Key.Epoch,
            Operation = operation,
            Checkpoint = checkpoint,
            Tasks = tasks,
            Last = Last,
        });
    }

    /// <summary>Looks what has become of the operation or the migration that holds the place; if it has ended, the place is free.</summary>
    private async Task LookAfterAsync()
    {
        if (place.State.Holder is { } job && place.State.Operation is null)
        {
            if (await HasEndedAsync(job)) await FreeAsync();
            return;
        }

        if (place.State.Operation is not { } operation) return;
        try
        {
            await FollowAsync(operation, TimeSpan.Zero);
        }
        catch (Exception e) when (e is EngineException or OrleansException or TimeoutException)
        {
            // It has failed, and the place is free; or its host is silent, and the place stays taken.
            NotFollowed(e, operation.Kind, operation.Key, place.State.Holder is null);
        }
    }

    /// <exception cref="EngineException">It failed, or was undone.</exception>
    private async Task<StepAnswer> FollowAsync(Operation operation, TimeSpan patience)
    {
        StepAnswer? answer = place.State.Epoch == operation.Key.Epoch ? await EndedAsync(operation, () => Host.FollowAsync(operation.Key, patience)) : null;
        if (answer is not null) return answer;
        if (place.State.Checkpoint is { } checkpoint) return await UndoAsync(checkpoint);
        return await FailAsync(operation, new StepFailure(
            FailureKind.Interrupted,
            $"The silo of host '{Vm.Host}' stopped in the middle of it: whether {operation.Kind.ToString().ToLowerInvariant()} was done to {Workload} in {Vm} is not known. 'watari ps' tells; ask again for what you want."));
    }

    /// <summary>Frees the place where the host's answer is the operation's end.</summary>
    private async Task<StepAnswer?> EndedAsync(Operation operation, Func<Task<StepAnswer?>> ask)
    {
        try
        {
            StepAnswer? answer = await ask();
            if (answer is { Finished: true }) await FreeAsync(new JobEnd(operation.Key.Job, time.GetUtcNow(), answer.Report, null));
            return answer;
        }
        // All but a checkpoint leaves behind what it says, and nobody else undoes it.
        catch (EngineException e) when ((operation.Kind != OperationKind.Checkpoint && e.Kind != FailureKind.HostLost) || e.Kind is FailureKind.Refused or FailureKind.NotFound or FailureKind.SaveFailed or FailureKind.Fenced or FailureKind.WorkloadLost)
        {
            return await FailAsync(operation, StepFailure.Of(e));
        }
        catch (EngineException e) when (e.Kind != FailureKind.HostLost)
        {
            // It may have left the container frozen: it is undone before anybody else gets the place.
            await this.PutAsync(place, place.State with { Epoch = place.State.Epoch.Next(), Failure = StepFailure.Of(e) });
            await LookAfterAsync();
            throw;
        }
    }

    /// <summary>A migration gives its places up after its last state is on disk: one that could not yet has ended all the same.</summary>
    private async Task<bool> HasEndedAsync(string job)
    {
        try
        {
            return await GrainFactory.GetGrain<IMigrationGrain>(job).GetAsync() is null or { IsTerminal: true };
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            return false;
        }
    }

    /// <summary>The checkpoint failed, or the host's silo has not outlived it: whatever it left frozen is thawed, in a newer epoch, and the place is free.</summary>
    /// <returns>Not finished: it is still being undone.</returns>
    /// <exception cref="EngineException">It is undone, and why; or it cannot be, and is tried again when somebody asks next.</exception>
    private async Task<StepAnswer> UndoAsync(Checkpoint checkpoint)
    {
        if (place.State.Epoch == checkpoint.Key.Epoch) await this.PutAsync(place, place.State with { Epoch = place.State.Epoch.Next() });
        Undoing(checkpoint.Key, Vm);
        if (!await _undo.TryAsync(Host, Vm, checkpoint.Key.Job, place.State.Epoch, key => new RollBackSource(key, checkpoint.Vm, checkpoint.Workload, place.State.Tasks!))) return new StepAnswer(false);
        string left = checkpoint.Options.LeaveRunning ? "runs on there" : "runs on there, unless all was saved and it was killed: 'watari ps' tells";
        return await FailAsync(place.State.Operation!, place.State.Failure ?? new StepFailure(
            FailureKind.Interrupted,
            $"The silo of host '{Vm.Host}' stopped while a checkpoint of {Workload} in {Vm} was being made: what was written of it, if it has no name yet, is in {checkpoint.Options.Path}.partial-{checkpoint.Key.Job} and of no use. {Workload} {left}."));
    }

    /// <exception cref="EngineException">The failure, always: it is the operation's end.</exception>
    private async Task<StepAnswer> FailAsync(Operation operation, StepFailure failure)
    {
        await FreeAsync(new JobEnd(operation.Key.Job, time.GetUtcNow(), null, failure));
        throw failure.ToException();
    }

    /// <param name="end">Of the operation that held the place; null: a migration did.</param>
    private Task FreeAsync(JobEnd? end = null) =>
        (end ?? Last) is { } last ? this.PutAsync(place, new PlaceState { Last = last }) : this.RemoveAsync(place);

    private static (VmId Vm, WorkloadId Workload) ParseKey(string key)
    {
        string[] parts = key.Split('/', 3);
        return (new VmId(parts[0], parts[1]), parts[2].StartsWith("pid:", StringComparison.Ordinal)
            ? WorkloadId.OfProcessTree(int.Parse(parts[2].AsSpan(4), System.Globalization.CultureInfo.InvariantCulture))
            : WorkloadId.OfContainer(parts[2]));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Checkpoint {Key} in {Vm} is undone: its host's silo was started anew in the middle of it")]
    private partial void Undoing(StepKey key, VmId vm);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Operation} {Key} was looked after; its place is free: {IsFree}")]
    private partial void NotFollowed(Exception e, OperationKind operation, StepKey key, bool isFree);
}

/// <summary>Who works on the container at a place.</summary>
public sealed record PlaceState
{
    /// <summary>The job; null: nobody.</summary>
    public string? Holder { get; init; }

    public DateTimeOffset Since { get; init; }

    /// <summary>The epoch in which an operation may command its host; a migration keeps its own.</summary>
    public Epoch Epoch { get; init; }

    /// <summary>Set: the holder is this operation, and not a migration.</summary>
    public Operation? Operation
    {
        // Version 0.1 has stored a checkpoint's command alone.
        get => field ?? (Checkpoint is { } checkpoint ? new Operation(OperationKind.Checkpoint, checkpoint.Key) : null);
        init;
    }

    /// <summary>Of a checkpoint: its command.</summary>
    [JsonConverter(typeof(StoredCheckpoint))]
    public Checkpoint? Checkpoint { get; init; }

    /// <summary>What the checkpoint freezes.</summary>
    public SourceTasks? Tasks { get; init; }

    /// <summary>Why a checkpoint is being undone; null: its host's silo ended.</summary>
    public StepFailure? Failure { get; init; }

    /// <summary>How the operation before ended.</summary>
    public JobEnd? Last { get; init; }
}
