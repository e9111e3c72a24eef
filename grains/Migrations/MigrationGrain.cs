using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;

namespace Watari.Grains.Migrations;

/// <summary>
/// A migration: one loop (MigrationGrain.Loop.cs) that walks the table and writes the job's state, and around it the calls that
/// start, show and cancel it. Only the loop writes.
/// </summary>
[GrainType("migration")]
internal sealed partial class MigrationGrain(
    [PersistentState("job")] IPersistentState<StoredJob> stored,
    EngineCalls engines,
    FaultPoints faults,
    IOptions<MigrationOptions> options,
    TimeProvider time,
    ILogger<MigrationGrain> logger) : Grain, IMigrationGrain, IRemindable, IDisposable
{
    private const string ReminderName = "resume";
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromMinutes(1);

    private readonly List<Channel<MigrationJob>> _watchers = [];
    private readonly Dictionary<Side, string?> _problems = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _cancelled = new();

    /// <summary>The operator wants no more tidying up.</summary>
    private readonly CancellationTokenSource _forgotten = new();

    /// <summary>The operator has given up the source, too.</summary>
    private readonly CancellationTokenSource _givenUp = new();
    private readonly TaskCompletionSource _decided = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;

    /// <summary>This activation has written the epoch that is on disk.</summary>
    private bool _leads;

    /// <summary>A commit was written, and whether it landed is not known.</summary>
    private bool _commitInDoubt;

    /// <summary>The source was thawed ahead of the write that the job turns back.</summary>
    private bool _sourceRuns;

    private int _letRunAttempt = 1;

    private MigrationJob? _job;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _job = stored.State.Job;
        // Not awaited: whom it calls may be asking this very job whether it has ended.
        if (_job is { } job) _loop = RunAsync(resumed: job.IsTerminal ? null : "The silo that led the job stopped");
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        foreach (Channel<MigrationJob> watcher in _watchers) watcher.Writer.TryComplete();
        await _loop.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _cancelled.Dispose();
        _forgotten.Dispose();
        _givenUp.Dispose();
    }

    public async Task<MigrationPlan> PlanAsync(MigrationRequest request)
    {
        Validate(request);
        MigrationJob job = NewJob(request);
        try
        {
            foreach (Step step in MigrationTable.Of(MigrationState.Planned).Steps)
            {
                job = await engines.RunAsync(job, step, attempt: 1, progress: _ => { }, _stopping.Token);
            }

            return new MigrationPlan(job.Plan!, null);
        }
        catch (UnansweredException e)
        {
            throw new EngineException(e.Kind, e.Message);
        }
        catch (EngineException e) when (job.Plan is not null && e.Kind == FailureKind.Refused)
        {
            return new MigrationPlan(job.Plan, e.Message);
        }
    }

    public async Task<MigrationJob> StartAsync(MigrationRequest request)
    {
        if (_job is not null) return _job;
        Validate(request);
        MigrationJob job = NewJob(request);
        await Task.WhenAll(
            GrainFactory.GetGrain<IJobIndexGrain>(0).PutAsync(JobSummary.Of(job)),
            this.RegisterOrUpdateReminder(ReminderName, ReminderPeriod, ReminderPeriod));
        try
        {
            await WriteAsync(job);
        }
        catch
        {
            // Whether the job exists is not known here: the next activation will find out.
            DeactivateOnIdle();
            throw;
        }

        _loop = RunAsync(resumed: null);
        return job;
    }

    public Task<MigrationJob?> GetAsync() => Task.FromResult(_job);

    public async Task<MigrationJob> CancelAsync()
    {
        MigrationJob job = Existing();
        if (!job.IsTerminal && job.Failure is null && job.State < MigrationState.Committed)
        {
            await _cancelled.CancelAsync();
            await _decided.Task;
            job = Existing();
        }

        return job.Failure is not null ? job : throw new EngineException(
            FailureKind.Refused,
            $"Job {Id} cannot be cancelled any more: it is {(job.IsTerminal ? "done" : "committed")}. {job.Request.Workload} {job.Whereabouts}.");
    }

    public async Task<MigrationJob> ForgetAsync(bool force)
    {
        MigrationJob job = Existing();
        if (!job.IsTerminal)
        {
            if (!job.IsSettled && !(force && job.IsRollingBack)) throw NotToForget(job, force);
            await _forgotten.CancelAsync();
            if (force) await _givenUp.CancelAsync();
        }

        // The loop alone writes: it brings the job to its end, and has nothing more to write then.
        await _loop;
        job = Existing();
        if (!job.IsTerminal) throw new EngineException(FailureKind.Refused, $"Job {Id} could not be ended; ask again. {job.Request.Workload} {job.Whereabouts}.");
        await GrainFactory.GetGrain<IJobIndexGrain>(0).RemoveAsync(Id);
        try
        {
            await stored.ClearStateAsync();
        }
        finally
        {
            DeactivateOnIdle();
        }

        Forgotten(Id, job.Request.Workload, job.Whereabouts);
        return job;
    }

    public async IAsyncEnumerable<MigrationJob> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watcher = Channel.CreateBounded<MigrationJob>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropOldest });
        watcher.Writer.TryWrite(Existing());
        _watchers.Add(watcher);
        try
        {
            while (true)
            {
                MigrationJob next;
                try
                {
                    next = await watcher.Reader.ReadAsync(cancellationToken).AsTask().WaitAsync(options.Value.Heartbeat, cancellationToken);
                }
                catch (TimeoutException)
                {
                    next = _job!;
                }
                catch (ChannelClosedException)
                {
                    yield break;
                }

                yield return next;
                if (next.IsTerminal) yield break;
            }
        }
        finally
        {
            _watchers.Remove(watcher);
        }
    }

    /// <summary>The loop runs since the activation; the reminder is there so that there is one.</summary>
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (_job is not (null or { IsTerminal: true })) return;
        await _loop;
        await CloseAsync(_job);
    }

    private MigrationJob Existing() => _job ?? throw new EngineException(FailureKind.NotFound, $"There is no job '{Id}'; 'watari jobs ls' lists those there are.");

    private EngineException NotToForget(MigrationJob job, bool force)
    {
        string what = job switch
        {
            { IsRollingBack: true } => "wait until it runs again; if its host will not come back, 'jobs forget --force' gives it up",
            { State: MigrationState.Committed } => "it is the only copy there is, and is thawed as soon as its host answers",
            _ => $"turn it back first, with 'watari jobs cancel {Id}'",
        };
        return new EngineException(FailureKind.Refused, $"Job {Id} is not forgotten{(force ? ", not even by force" : "")}: {job.Request.Workload} {job.Whereabouts}; {what}.");
    }

    private MigrationJob NewJob(MigrationRequest request) => new()
    {
        Id = Id,
        Request = request,
        State = MigrationState.Planned,
        Epoch = default(Epoch).Next(),
        History = [new StateChange(MigrationState.Planned, time.GetUtcNow())],
    };

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: the request makes no sense.</exception>
    private static void Validate(MigrationRequest request)
    {
        if (request.Source == request.Destination)
        {
            throw new EngineException(FailureKind.Refused, $"{request.Workload} is in {request.Source} already: name another VM.");
        }

        if ((request.Workload.Container is null) == (request.Workload.Pid is null))
        {
            throw new EngineException(FailureKind.Refused, "Name a container or a process, one of the two.");
        }

        if (request.Streams is < 1 or > MigrationRequest.MaxStreams)
        {
            throw new EngineException(FailureKind.Refused, $"{request.Streams} streams are not possible: there can be 1 to {MigrationRequest.MaxStreams}.");
        }
    }
}
