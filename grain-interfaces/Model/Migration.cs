using System.Text.Json.Serialization;

namespace Watari.GrainInterfaces.Model;

/// <summary>
/// How far a migration has come. A state is persisted before its work begins and left by the write that holds the work's result, so
/// the state on disk says what may have been touched. Up to <see cref="Ready"/> only the source may run, from
/// <see cref="Committed"/> on only the destination.
/// </summary>
[GenerateSerializer, Alias("watari.MigrationState")]
public enum MigrationState
{
    /// <summary>Nothing is touched; the verdict is being found and the destination asked.</summary>
    Planned,

    /// <summary>The destination makes room; the source runs.</summary>
    Preparing,

    /// <summary>Named volumes travel while the source runs; ends with the freeze.</summary>
    PreCopying,

    /// <summary>No thread of the source runs; its state is being read and sent.</summary>
    Frozen,

    /// <summary>Images and pages are at the destination's host.</summary>
    Captured,

    /// <summary>The destination's processes come into being, frozen.</summary>
    Restoring,

    /// <summary>The destination's memory is in place and verified.</summary>
    Ready,

    /// <summary>The destination is the container: it is thawed and the source retired, however often that must be tried.</summary>
    Committed,

    /// <summary>The destination runs, the source is gone.</summary>
    Done,

    /// <summary>The source runs as before, nothing is left at the destination.</summary>
    RolledBack,

    /// <summary>Nothing was touched.</summary>
    Refused,
}

public static class MigrationStates
{
    public static bool IsTerminal(this MigrationState state) => state is MigrationState.Done or MigrationState.RolledBack or MigrationState.Refused;
}

/// <summary>Who makes the source stand still.</summary>
[GenerateSerializer, Alias("watari.Freezer")]
public enum Freezer
{
    /// <summary>The host, by writing the VM's memory: nothing of Watari is needed in the VM.</summary>
    Outside,

    /// <summary>The agent in the VM, by <c>cgroup.freeze</c>.</summary>
    Agent,
}

/// <summary>How the memory of the processes comes into the destination.</summary>
[GenerateSerializer, Alias("watari.MemoryMode")]
public enum MemoryMode
{
    /// <summary>Written by the host straight into the processes that CRIU has built. Each gets pages of its own.</summary>
    InPlace,

    /// <summary>
    /// Written by the host into files of the VM's page cache, which CRIU then reads as any image: pages that processes share
    /// copy-on-write stay shared, at the cost of twice the memory meanwhile.
    /// </summary>
    LandingZone,
}

/// <summary>What was asked for.</summary>
/// <param name="Streams">Parallel connections for the pages.</param>
/// <param name="Timeout">Time that the migration has until its commit; null for the phases' own deadlines alone.</param>
/// <param name="Memory">Null: what suits the container.</param>
/// <param name="KeepSource">The source's container, which has ended, is not removed.</param>
[GenerateSerializer, Immutable, Alias("watari.MigrationRequest")]
public sealed record MigrationRequest(
    [property: Id(0)] WorkloadId Workload,
    [property: Id(1)] VmId Source,
    [property: Id(2)] VmId Destination,
    [property: Id(3)] int Streams = 4,
    [property: Id(4)] TimeSpan? Timeout = null,
    [property: Id(5)] Freezer Freezer = Freezer.Outside,
    [property: Id(6)] MemoryMode? Memory = null,
    [property: Id(7)] bool KeepSource = false)
{
    /// <summary>What a destination's host takes of one job.</summary>
    public const int MaxStreams = 16;
}

/// <summary>What a migration would meet, with nothing touched.</summary>
/// <param name="Refusal">Why it would be refused; null where it would be tried.</param>
[GenerateSerializer, Immutable, Alias("watari.MigrationPlan")]
public sealed record MigrationPlan([property: Id(0)] SourcePlan Source, [property: Id(1)] string? Refusal);

[GenerateSerializer, Immutable, Alias("watari.StateChange")]
public readonly record struct StateChange([property: Id(0)] MigrationState State, [property: Id(1)] DateTimeOffset At);

/// <summary>Why a migration turned back.</summary>
/// <param name="During">The state in which it failed.</param>
/// <param name="At">When; since then it turns back.</param>
[GenerateSerializer, Immutable, Alias("watari.JobFailure")]
public sealed record JobFailure(
    [property: Id(0)] FailureKind Kind, [property: Id(1)] string Message, [property: Id(2)] MigrationState During, [property: Id(3)] DateTimeOffset At);

/// <summary>The time in which no copy of the container ran.</summary>
/// <param name="Milliseconds">From the start of the freeze to the end of the thaw, by the clocks of the two hosts.</param>
/// <param name="Parts">The engines' phases in it, and <c>control</c>: what no phase covers.</param>
[GenerateSerializer, Immutable, Alias("watari.Downtime")]
public sealed record Downtime([property: Id(0)] double Milliseconds, [property: Id(1)] ImmutableArray<PhaseTiming> Parts);

/// <summary>What has become of one side of a job that is being finished or rolled back.</summary>
[GenerateSerializer, Alias("watari.SideOutcome")]
public enum SideOutcome
{
    /// <summary>Not settled yet.</summary>
    Open,

    /// <summary>The side is as it must be: thawed, retired or cleaned.</summary>
    Settled,

    /// <summary>The VM, or the container in it, is known to be gone.</summary>
    Lost,

    /// <summary>It was not reached, and the operator has told the job to leave it: what is left there stands frozen and is never thawed by a job.</summary>
    Abandoned,
}

/// <summary>What a job is at, in one word.</summary>
[GenerateSerializer, Alias("watari.JobActivity")]
public enum JobActivity
{
    /// <summary>On its way: its state says how far it is.</summary>
    Migrating,

    /// <summary>The source does not run again yet.</summary>
    RollingBack,

    /// <summary>The source runs; what was made at the destination is being removed.</summary>
    Cleaning,

    /// <summary>The destination runs; the frozen source is being removed.</summary>
    Retiring,

    Ended,
}

/// <summary>A migration, as it is on disk and as it is shown.</summary>
[GenerateSerializer, Immutable, Alias("watari.MigrationJob")]
public sealed record MigrationJob
{
    [Id(0)] public required string Id { get; init; }
    [Id(1)] public required MigrationRequest Request { get; init; }
    [Id(2)] public required MigrationState State { get; init; }
    [Id(3)] public required Epoch Epoch { get; init; }
    [Id(4)] public required ImmutableArray<StateChange> History { get; init; }
    [Id(5)] public SourcePlan? Plan { get; init; }
    [Id(6)] public TransferTarget? Target { get; init; }
    [Id(7)] public ImmutableArray<PhaseTiming> Phases { get; init; } = [];
    [Id(8)] public TransferStatistics? Transfer { get; init; }
    [Id(9)] public Downtime? Downtime { get; init; }

    /// <summary>Set: the job turns back, or has.</summary>
    [Id(10)] public JobFailure? Failure { get; init; }

    /// <summary>Roll back: the source is thawed. After the commit: the source is retired.</summary>
    [Id(11)] public SideOutcome Source { get; init; }

    /// <summary>Roll back: the destination is cleaned. After the commit: the destination is thawed.</summary>
    [Id(12)] public SideOutcome Destination { get; init; }

    /// <summary>What is being tried again, and why; null where all goes well.</summary>
    [Id(13)] public string? Problem { get; init; }

    /// <summary>When the job froze the source, by its own clock: an upper bound for the downtime.</summary>
    [Id(14)] public DateTimeOffset? FreezeAsked { get; init; }

    /// <summary>After the end: what is left of the container in the source VM, stopped, and why; null where nothing is.</summary>
    [Id(15)] public string? Left { get; init; }

    /// <summary>What has travelled of its named volumes; null where it has none, or they go with the container's other files.</summary>
    [Id(16)] public VolumeStatistics? Volumes { get; init; }

    /// <summary>It has named volumes, and the destination takes them before the container: they are copied while it runs.</summary>
    [JsonIgnore]
    public bool CopiesVolumes => Plan?.Managed is { Volumes.IsEmpty: false } && Target is { TakesVolumes: true };

    [JsonIgnore]
    public DateTimeOffset Created => History[0].At;

    [JsonIgnore]
    public DateTimeOffset Updated => History[^1].At;

    [JsonIgnore]
    public bool IsTerminal => State.IsTerminal();

    [JsonIgnore]
    public bool IsRollingBack => Failure is not null && !IsTerminal;

    [JsonIgnore]
    public JobActivity Activity => this switch
    {
        { IsTerminal: true } => JobActivity.Ended,
        { IsRollingBack: true, Source: SideOutcome.Open } => JobActivity.RollingBack,
        { IsRollingBack: true } => JobActivity.Cleaning,
        { State: MigrationState.Committed, Destination: SideOutcome.Settled } => JobActivity.Retiring,
        _ => JobActivity.Migrating,
    };

    /// <summary>Since when it is at that: since it turned back, or came into its state.</summary>
    [JsonIgnore]
    public DateTimeOffset ActiveSince => IsRollingBack ? Failure!.At : Updated;

    /// <summary>The container runs where it will stay, whatever is still to be tidied up.</summary>
    [JsonIgnore]
    public bool IsSettled => IsTerminal
        || (State == MigrationState.Committed && Failure is null && Destination == SideOutcome.Settled)
        || (IsRollingBack && Source != SideOutcome.Open);

    /// <summary>Where the container is now, in one clause whose subject is the container.</summary>
    [JsonIgnore]
    public string Whereabouts => (State, Failure) switch
    {
        (MigrationState.Refused, _) => $"runs on in {Request.Source}; nothing was touched",
        (MigrationState.Done, _) when Source == SideOutcome.Abandoned => $"runs in {Request.Destination}; a frozen copy is left in {Request.Source} and must not be resumed there",
        (MigrationState.Done, _) => $"runs in {Request.Destination}",
        (MigrationState.Committed, null) when Destination == SideOutcome.Settled => $"runs in {Request.Destination}; what is left in {Request.Source} is being removed",
        (MigrationState.Committed, null) => $"has been handed to {Request.Destination} and is being thawed there; the copy in {Request.Source} stays frozen",
        (_, not null) when Source == SideOutcome.Lost => $"is lost: nothing of it runs in {Request.Source} any more",
        (MigrationState.RolledBack, _) when Source == SideOutcome.Abandoned => $"was given up in {Request.Source}, where it may stand frozen",
        (MigrationState.RolledBack, _) when Destination == SideOutcome.Abandoned => $"runs on in {Request.Source}; what was made of it in {Request.Destination} is left there and has never run",
        (MigrationState.RolledBack, _) => $"runs on in {Request.Source}",
        (_, not null) when Source == SideOutcome.Settled => $"runs on in {Request.Source}; what is left in {Request.Destination} is being removed",
        ( <= MigrationState.Preparing, not null) => $"runs on in {Request.Source}; what was prepared in {Request.Destination} is being removed",
        (_, not null) => $"is being thawed in {Request.Source}",
        ( < MigrationState.PreCopying, _) => $"runs in {Request.Source}",
        (MigrationState.PreCopying, _) when FreezeAsked is null => $"runs in {Request.Source}",
        (MigrationState.PreCopying, _) => $"is being frozen in {Request.Source}",
        _ => $"stands frozen in {Request.Source}",
    };
}

/// <summary>A line of the list of jobs.</summary>
[GenerateSerializer, Immutable, Alias("watari.JobSummary")]
public sealed record JobSummary(
    [property: Id(0)] string Id,
    [property: Id(1)] WorkloadId Workload,
    [property: Id(2)] VmId Source,
    [property: Id(3)] VmId Destination,
    [property: Id(4)] MigrationState State,
    [property: Id(5)] DateTimeOffset Created,
    [property: Id(6)] DateTimeOffset? Ended,
    [property: Id(7)] string? Failure,
    [property: Id(8)] JobActivity Activity,
    [property: Id(9)] DateTimeOffset ActiveSince,
    [property: Id(10)] string? Problem)
{
    public static JobSummary Of(MigrationJob job) => new(
        job.Id,
        job.Request.Workload,
        job.Request.Source,
        job.Request.Destination,
        job.State,
        job.Created,
        job.IsTerminal ? job.Updated : null,
        job.Failure?.Message,
        job.Activity,
        job.ActiveSince,
        job.Problem);
}
