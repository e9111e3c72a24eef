using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Placement;

namespace Watari.Grains.Hosts;

/// <summary>
/// The commands that run on this host, one set of a kind per silo. It gives a newer epoch its way: what runs of an older one is
/// cancelled and has ended before the newer one's first command begins, so that a freeze that was late never follows a thaw.
/// </summary>
internal sealed class HostCommands(IHostEngine engine)
{
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);
    private readonly ConcurrentDictionary<string, JobCommands> _jobs = new(StringComparer.Ordinal);

    public IHostEngine Engine => engine;

    /// <exception cref="EngineException">The command failed or is fenced.</exception>
    public async Task<StepAnswer> ExecuteAsync(EngineCommand command, TimeSpan patience)
    {
        JobCommands job = _jobs.GetOrAdd(command.Key.Job, _ =>
        {
            Prune();
            return new JobCommands();
        });
        Task<StepAnswer> running = job.Once(command.Key, cancellationToken => RunAsync(command, cancellationToken));
        try
        {
            return await running.WaitAsync(patience);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            return new StepAnswer(false, Progress: engine.TransferProgress(command.Key.Job));
        }
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
                PrepareDestination c => new(true, Target: await engine.PrepareDestinationAsync(key, vm, c.Requirements, cancellationToken)),
                Freeze c => new(true, Report: await engine.FreezeAsync(key, vm, workload, c.Tasks, cancellationToken)),
                Capture c => new(true, Report: await engine.CaptureAsync(key, vm, workload, c.Target, c.Streams, c.Memory, cancellationToken)),
                Restore => new(true, Report: await engine.RestoreAsync(key, vm, workload, cancellationToken)),
                ThawDestination => new(true, Report: await engine.ThawDestinationAsync(key, vm, workload, cancellationToken)),
                RetireSource c => await DoneAsync(engine.RetireSourceAsync(key, vm, workload, c.Tasks, cancellationToken)),
                RollBackSource c => await DoneAsync(engine.RollBackSourceAsync(key, vm, workload, c.Tasks, cancellationToken)),
                RollBackDestination => await DoneAsync(engine.RollBackDestinationAsync(key, vm, workload, cancellationToken)),
                Checkpoint c => new(true, Report: await engine.CheckpointAsync(key, vm, workload, c.Directory, c.LeaveRunning, cancellationToken)),
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
        IReadOnlyList<VmDescription> vms = await engine.ListVmsAsync(cancellationToken);
        VmDescription? vm = vms.FirstOrDefault(v => v.Id.Vm == command.Vm);
        if (vm is not null)
        {
            var offer = new Offer(vm.Status == VmStatus.Running, vm.Status.ToString(), vm.AgentVersion is not null, vm.MemoryBytes);
            IReadOnlyList<string> objections = Fit.Objections(new Demand(command.Requirements.MemoryBytes), offer);
            if (objections.Count > 0) throw new EngineException(FailureKind.Refused, $"{vm.Id} cannot take {command.Workload}: {string.Join("; ", objections)}.");
        }

        return await DoneAsync(engine.CheckDestinationAsync(command.Key, command.Vm, command.Requirements, cancellationToken));
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
            if (job.IsIdleSince(DateTimeOffset.UtcNow - Kept) && _jobs.TryRemove(id, out _)) job.Dispose();
        }
    }

    private sealed class JobCommands : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Task<StepAnswer>> _steps = new(StringComparer.Ordinal);
        private Epoch _epoch;
        private Task _older = Task.CompletedTask;
        private CancellationTokenSource _cancellation = new();
        private DateTimeOffset _asked = DateTimeOffset.UtcNow;

        public Task<StepAnswer> Once(StepKey key, Func<CancellationToken, Task<StepAnswer>> run)
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

        public bool IsIdleSince(DateTimeOffset time)
        {
            lock (_gate) return _asked < time && _older.IsCompleted && _steps.Values.All(s => s.IsCompleted);
        }

        public void Dispose() => _cancellation.Dispose();

        private void Begin(Epoch epoch)
        {
            _cancellation.Cancel();
            _older = EndedAsync([_older, .. _steps.Values]);
            _epoch = epoch;
            _steps.Clear();
            _cancellation = new CancellationTokenSource();
        }

        private static async Task EndedAsync(Task[] tasks)
        {
            foreach (Task task in tasks) await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        }
    }
}
