using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Placement;

namespace Watari.Grains.Hosts;

/// <summary>
/// The commands that run on this host, one set of a kind per silo. It gives a newer epoch its way: what runs of an older one is
/// cancelled and has ended before the newer one's first command begins, so that a freeze that was late never follows a thaw. An epoch
/// that it has not seen is taken only if it is the one on disk: a silo that was started again has seen none.
/// </summary>
internal sealed class HostCommands(IHostEngine engine, JobRecords records)
{
    /// <summary>Longer than the other host may be at work before this one is asked again: volumes are sent and filled for two hours each.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromHours(6);

    private const int LooksForAgent = 5;

    private readonly ConcurrentDictionary<string, JobCommands> _jobs = new(StringComparer.Ordinal);
    private readonly Reservations _reservations = new();

    public IHostEngine Engine => engine;

    /// <exception cref="EngineException">The command failed or is fenced.</exception>
    public async Task<StepAnswer> ExecuteAsync(EngineCommand command, TimeSpan patience)
    {
        JobCommands job = _jobs.GetOrAdd(command.Key.Job, _ =>
        {
            Prune();
            return new JobCommands();
        });
        // What touches nothing may be asked before there is a job, for a plan.
        if (command is not (PlanSource or CheckDestination) && job.IsUnconfirmed(command.Key.Epoch)) await ConfirmAsync(job, command);
        bool turnsBack = command is RollBackSource or RollBackDestination;
        return await AnswerAsync(job.Once(command.Key, turnsBack, cancellationToken => RunAsync(command, cancellationToken)), command.Key, patience);
    }

    /// <summary>Waits for a command that was given to this host, and starts none.</summary>
    /// <returns>Null: nothing is known of it here, as after a new start of the silo.</returns>
    /// <exception cref="EngineException">The command failed.</exception>
    public async Task<StepAnswer?> FollowAsync(StepKey key, TimeSpan patience) =>
        _jobs.TryGetValue(key.Job, out JobCommands? job) && job.Find(key) is { } running ? await AnswerAsync(running, key, patience) : null;

    private async Task<StepAnswer> AnswerAsync(Task<StepAnswer> running, StepKey key, TimeSpan patience)
    {
        try
        {
            return await running.WaitAsync(patience);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            return new StepAnswer(false, Progress: engine.TransferProgress(key.Job));
        }
    }

    /// <exception cref="EngineException"><see cref="FailureKind.Fenced"/>: the command is of another epoch than its job.</exception>
    private async Task ConfirmAsync(JobCommands job, EngineCommand command)
    {
        Epoch? current = await records.EpochOfAsync(command);
        if (current == command.Key.Epoch)
        {
            job.Confirm(command.Key.Epoch);
            return;
        }

        string why = current is { } epoch ? $"its job is in epoch {epoch}" : "its job has ended, or is not known";
        throw new EngineException(FailureKind.Fenced, $"Step {command.Key} is fenced: {why}; nothing was done.");
    }

    private async Task<StepAnswer> RunAsync(EngineCommand command, CancellationToken cancellationToken)
    {
        (StepKey key, string vm, WorkloadId workload) = (command.Key, command.Vm, command.Workload);
        try
        {
            return command switch
            {
                PlanSource c => new(true, Plan: await engine.PlanSourceAsync(key, vm, workload, c.Freezer, cancellationToken)),
                CheckDestination c => await CheckAsync(c, cancellationToken),
                PrepareDestination c => new(true, Target: await PrepareAsync(c, cancellationToken)),
                CopyVolumes c => new(true, Report: await engine.CopyVolumesAsync(key, vm, workload, c.Tasks, c.Target, c.Streams, cancellationToken)),
                FillVolumes => new(true, Report: await engine.FillVolumesAsync(key, vm, workload, cancellationToken)),
                Freeze c => new(true, Report: await engine.FreezeAsync(key, vm, workload, c.Tasks, cancellationToken)),
                Capture c => new(true, Report: await engine.CaptureAsync(key, vm, workload, c.Target, c.Streams, c.Memory, cancellationToken)),
                Restore => new(true, Report: await engine.RestoreAsync(key, vm, workload, cancellationToken)),
                ThawDestination => Released(key, new(true, Report: await engine.ThawDestinationAsync(key, vm, workload, cancellationToken))),
                RetireSource c => new(true, Report: await engine.RetireSourceAsync(key, vm, workload, c.Tasks, c.Keep, cancellationToken)),
                RollBackSource c => await DoneAsync(engine.RollBackSourceAsync(key, vm, workload, c.Tasks, cancellationToken)),
                RollBackDestination => Released(key, await DoneAsync(engine.RollBackDestinationAsync(key, vm, workload, cancellationToken))),
                Checkpoint c => new(true, Report: await engine.CheckpointAsync(key, vm, workload, c.Options, cancellationToken)),
                RestoreArchive c => new(true, Report: await RestoreArchiveAsync(c, cancellationToken)),
                Pause c => new(true, Report: await engine.PauseAsync(key, vm, workload, c.By, cancellationToken)),
                Unpause c => new(true, Report: await engine.UnpauseAsync(key, vm, workload, c.By, cancellationToken)),
                Kill c => new(true, Report: await engine.KillAsync(key, vm, workload, c.Signal, c.By, cancellationToken)),
                StopContainer c => new(true, Report: await engine.StopAsync(key, vm, workload, c.Options, cancellationToken)),
                _ => throw new EngineException(FailureKind.Internal, $"No engine knows the command {command.GetType().Name}."),
            };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new EngineException(FailureKind.Cancelled, $"Step {key} was overtaken by a newer epoch of its job.");
        }
    }

    /// <summary>What can be said without the engine's help comes first, in words that name what to do.</summary>
    private async Task<StepAnswer> CheckAsync(CheckDestination command, CancellationToken cancellationToken)
    {
        VmDescription? vm = await FindAsync(command.Vm, cancellationToken);
        long promised = _reservations.OfOthers(command.Vm, command.Key.Job);
        if (vm is not null)
        {
            var offer = new Offer(vm.Status == VmStatus.Running, vm.Status.ToString(), vm.AgentVersion is not null, vm.MemoryBytes, promised);
            IReadOnlyList<string> objections = Fit.Objections(new Demand(command.Requirements.MemoryBytes), offer);
            if (objections.Count > 0) throw new EngineException(FailureKind.Refused, $"{vm.Id} cannot take {command.Workload}: {string.Join("; ", objections)}.");
        }

        await CheckRoomAsync(command.Key, command.Vm, command.Requirements, promised, cancellationToken);
        return new StepAnswer(true);
    }

    /// <summary>Null where it is not known here. A list waits for an agent but shortly, and that of a VM under load answers late: it is asked for a few times before it is taken for missing.</summary>
    private async Task<VmDescription?> FindAsync(string name, CancellationToken cancellationToken)
    {
        for (int look = 1; ; look++)
        {
            IReadOnlyList<VmDescription> vms = await engine.ListVmsAsync(cancellationToken);
            VmDescription? vm = vms.FirstOrDefault(v => v.Id.Vm == name);
            if (vm is not { Status: VmStatus.Running, AgentVersion: null } || look == LooksForAgent) return vm;
        }
    }

    /// <summary>Its room is promised first: of two jobs that both passed the check, the one that comes second here is told.</summary>
    private async Task<TransferTarget> PrepareAsync(PrepareDestination command, CancellationToken cancellationToken)
    {
        StepKey key = command.Key;
        long promised = _reservations.Reserve(command.Vm, key.Job, command.Requirements.MemoryBytes);
        try
        {
            if (promised > 0) await CheckRoomAsync(key with { Step = $"{key.Step}-room" }, command.Vm, command.Requirements, promised, cancellationToken);
        }
        catch
        {
            _reservations.Release(key.Job);
            throw;
        }

        return await engine.PrepareDestinationAsync(key, command.Vm, command.Requirements, cancellationToken);
    }

    /// <summary>How much it takes is known when the archive has been read; it is promised until the container has it, or all is removed.</summary>
    private async Task<EngineReport> RestoreArchiveAsync(RestoreArchive command, CancellationToken cancellationToken)
    {
        try
        {
            return await engine.RestoreArchiveAsync(command.Key, command.Vm, command.Options, bytes => _reservations.Reserve(command.Vm, command.Key.Job, bytes), cancellationToken);
        }
        finally
        {
            _reservations.Release(command.Key.Job);
        }
    }

    /// <param name="promised">Bytes of the VM's memory that other jobs will need.</param>
    private async Task CheckRoomAsync(StepKey key, string vm, DestinationRequirements requirements, long promised, CancellationToken cancellationToken)
    {
        try
        {
            await engine.CheckDestinationAsync(key, vm, requirements with { MemoryBytes = requirements.MemoryBytes + promised }, cancellationToken);
        }
        catch (EngineException e) when (e.Kind == FailureKind.Refused && promised > 0)
        {
            throw new EngineException(e.Kind, $"{e.Message} {promised >> 20} MiB there are promised to containers on their way into it.", e);
        }
    }

    private StepAnswer Released(StepKey key, StepAnswer answer)
    {
        _reservations.Release(key.Job);
        return answer;
    }

    private static async Task<StepAnswer> DoneAsync(Task work)
    {
        await work;
        return new StepAnswer(true);
    }

    private void Prune()
    {
        foreach ((string id, JobCommands job) in _jobs)
        {
            if (!job.IsIdleSince(DateTimeOffset.UtcNow - Kept) || !_jobs.TryRemove(id, out _)) continue;
            _reservations.Release(id);
            job.Dispose();
        }
    }

    private sealed class JobCommands : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Task<StepAnswer>> _steps = new(StringComparer.Ordinal);
        private Epoch _epoch;
        private bool _turnedBack;
        private Epoch _confirmed;
        private Task _older = Task.CompletedTask;
        private CancellationTokenSource _cancellation = new();
        private DateTimeOffset _asked = DateTimeOffset.UtcNow;

        /// <param name="key">The step.</param>
        /// <param name="turnsBack">Nothing else of the epoch may run beside it or after it: what runs is cancelled, and has ended before it begins.</param>
        /// <param name="run">Its work.</param>
        public Task<StepAnswer> Once(StepKey key, bool turnsBack, Func<CancellationToken, Task<StepAnswer>> run)
        {
            lock (_gate)
            {
                _asked = DateTimeOffset.UtcNow;
                if (key.Epoch.Value < _epoch.Value)
                {
                    throw new EngineException(FailureKind.Fenced, $"Step {key} is fenced: this host has seen epoch {_epoch} of the job; nothing was done.");
                }

                if (key.Epoch.Value > _epoch.Value) Begin(key.Epoch);
                if (_steps.TryGetValue(key.Step, out Task<StepAnswer>? known)) return known;
                if (_turnedBack && !turnsBack) throw new EngineException(FailureKind.Fenced, $"Step {key} is fenced: its job is turning back; nothing was done.");
                if (turnsBack && !_turnedBack)
                {
                    Overtake();
                    _turnedBack = true;
                }

                (Task older, CancellationToken cancellationToken) = (_older, _cancellation.Token);
                // Off the grain's scheduler: what the engine does before its first await must not hold up a turn.
                Task<StepAnswer> step = Task.Run(async () =>
                {
                    await older;
                    return await run(cancellationToken);
                });
                _steps.Add(key.Step, step);
                return step;
            }
        }

        /// <summary>True: newer than what the disk has confirmed. What is older needs no look at it to be refused.</summary>
        public bool IsUnconfirmed(Epoch epoch)
        {
            lock (_gate) return epoch.Value > _confirmed.Value && epoch.Value >= _epoch.Value;
        }

        public void Confirm(Epoch epoch)
        {
            lock (_gate)
            {
                if (epoch.Value > _confirmed.Value) _confirmed = epoch;
            }
        }

        public Task<StepAnswer>? Find(StepKey key)
        {
            lock (_gate)
            {
                _asked = DateTimeOffset.UtcNow;
                return key.Epoch == _epoch ? _steps.GetValueOrDefault(key.Step) : null;
            }
        }

        public bool IsIdleSince(DateTimeOffset time)
        {
            lock (_gate) return _asked < time && _older.IsCompleted && _steps.Values.All(s => s.IsCompleted);
        }

        public void Dispose() => _cancellation.Dispose();

        private void Begin(Epoch epoch)
        {
            Overtake();
            _epoch = epoch;
            _turnedBack = false;
            _steps.Clear();
        }

        /// <summary>Cancels what runs; what is begun from now on waits for its end.</summary>
        private void Overtake()
        {
            _cancellation.Cancel();
            _older = EndedAsync([_older, .. _steps.Values]);
            _cancellation = new CancellationTokenSource();
        }

        private static async Task EndedAsync(Task[] tasks)
        {
            foreach (Task task in tasks) await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        }
    }
}
