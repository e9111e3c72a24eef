using System.Collections.Frozen;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Grains.Migrations;

/// <summary>What a failure in a state leads to.</summary>
internal enum Failing
{
    /// <summary>Nothing was touched: the job ends.</summary>
    Refuse,

    /// <summary>The source is thawed and the destination cleaned, until both are done.</summary>
    RollBack,

    /// <summary>The work is tried again until it is done.</summary>
    TryAgain,
}

/// <summary>What a job does that finds itself in a state after a crash.</summary>
internal enum Resuming
{
    /// <summary>The state's work is done again, in a newer epoch.</summary>
    Again,

    /// <summary>The engine's half-done work died with it: the job turns back.</summary>
    RollBack,
}

/// <summary>One command of a state's work: to which side it goes, how long it may take, how it is made, and what its answer adds.</summary>
/// <param name="Applies">Which jobs it is for; null: all.</param>
internal sealed record Step(
    string Name,
    Side Side,
    TimeSpan Deadline,
    Func<MigrationJob, StepKey, EngineCommand> Command,
    Func<MigrationJob, StepAnswer, MigrationJob> Apply,
    Func<MigrationJob, bool>? Applies = null);

internal enum Side
{
    Source,
    Destination,
}

/// <summary>A row of the table: in <paramref name="From"/>, do the steps in turn, then persist <paramref name="To"/>.</summary>
internal sealed record Transition(
    MigrationState From,
    IReadOnlyList<Step> Steps,
    MigrationState To,
    Failing Failing,
    Resuming Resuming);

/// <summary>
/// The states of a migration and what leads from one to the next: what the code runs is this table. A state's result and its
/// successor's intent are one write, so that every step stands between two durable states and the blackout holds as few writes as
/// can be: a state without steps is passed through in the write of the next.
/// </summary>
internal static class MigrationTable
{
    private static readonly Step Plan = new("plan", Side.Source, Seconds(60),
        (job, key) => new PlanSource(key, job.Request.Source.Vm, job.Request.Workload, job.Request.Freezer),
        (job, answer) => job with { Plan = answer.Plan });

    private static readonly Step Check = new("check", Side.Destination, Seconds(90),
        (job, key) => new CheckDestination(key, job.Request.Destination.Vm, Requirements(job)),
        (job, _) => job);

    private static readonly Step Prepare = new("prepare", Side.Destination, Seconds(180),
        (job, key) => new PrepareDestination(key, job.Request.Destination.Vm, Requirements(job)),
        (job, answer) => job with { Target = answer.Target });

    /// <summary>While the source runs: what changes in them meanwhile goes with the capture.</summary>
    private static readonly Step CopyVolumes = new("copy-volumes", Side.Source, Seconds(7200),
        (job, key) => new CopyVolumes(key, job.Request.Source.Vm, job.Request.Workload, Tasks(job), job.Target!, job.Request.Streams),
        (job, answer) => WithReport(job, answer) with { Volumes = new VolumeStatistics(answer.Report!.VolumeBytes ?? 0, 0) },
        job => job.CopiesVolumes);

    private static readonly Step FillVolumes = new("fill-volumes", Side.Destination, Seconds(7200),
        (job, key) => new FillVolumes(key, job.Request.Destination.Vm, job.Request.Workload),
        WithReport,
        job => job.CopiesVolumes);

    public static readonly Step Freeze = new("freeze", Side.Source, Seconds(30),
        (job, key) => new Freeze(key, job.Request.Source.Vm, job.Request.Workload, Tasks(job)),
        WithReport);

    private static readonly Step Capture = new("capture", Side.Source, Seconds(600),
        (job, key) => new Capture(key, job.Request.Source.Vm, job.Request.Workload, job.Target!, job.Request.Streams, Memory(job)),
        WithReport);

    private static readonly Step Restore = new("restore", Side.Destination, Seconds(600),
        (job, key) => new Restore(key, job.Request.Destination.Vm, job.Request.Workload),
        WithReport);

    public static readonly Step Thaw = new("thaw", Side.Destination, Seconds(60),
        (job, key) => new ThawDestination(key, job.Request.Destination.Vm, job.Request.Workload),
        WithReport);

    public static readonly Step Retire = new("retire", Side.Source, Seconds(180),
        (job, key) => new RetireSource(key, job.Request.Source.Vm, job.Request.Workload, Tasks(job), job.Request.KeepSource),
        (job, answer) => job with { Source = SideOutcome.Settled, Left = answer.Report?.Left });

    public static readonly Step RollBackSource = new("roll-back-source", Side.Source, Seconds(60),
        (job, key) => new RollBackSource(key, job.Request.Source.Vm, job.Request.Workload, Tasks(job)),
        (job, _) => job with { Source = SideOutcome.Settled });

    public static readonly Step RollBackDestination = new("roll-back-destination", Side.Destination, Seconds(60),
        (job, key) => new RollBackDestination(key, job.Request.Destination.Vm, job.Request.Workload),
        (job, _) => job with { Destination = SideOutcome.Settled });

    public static readonly IReadOnlyList<Transition> Rows =
    [
        new(MigrationState.Planned, [Plan, Check], MigrationState.Preparing, Failing.Refuse, Resuming.Again),
        new(MigrationState.Preparing, [Prepare], MigrationState.PreCopying, Failing.RollBack, Resuming.RollBack),
        new(MigrationState.PreCopying, [CopyVolumes, FillVolumes, Freeze], MigrationState.Frozen, Failing.RollBack, Resuming.RollBack),
        new(MigrationState.Frozen, [Capture], MigrationState.Captured, Failing.RollBack, Resuming.RollBack),
        new(MigrationState.Captured, [], MigrationState.Restoring, Failing.RollBack, Resuming.RollBack),
        new(MigrationState.Restoring, [Restore], MigrationState.Ready, Failing.RollBack, Resuming.RollBack),
        new(MigrationState.Ready, [], MigrationState.Committed, Failing.RollBack, Resuming.RollBack),
        new(MigrationState.Committed, [Thaw, Retire], MigrationState.Done, Failing.TryAgain, Resuming.Again),
    ];

    private static readonly FrozenDictionary<MigrationState, Transition> ByState = Rows.ToFrozenDictionary(row => row.From);

    /// <summary>Every step that goes to an engine, in the order of a migration, those of the roll back last.</summary>
    public static IEnumerable<string> StepNames =>
        Rows.SelectMany(row => row.Steps).Append(RollBackSource).Append(RollBackDestination).Select(step => step.Name);

    public static Transition Of(MigrationState state) => ByState[state];

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: the plan names what cannot be carried.</exception>
    private static DestinationRequirements Requirements(MigrationJob job)
    {
        SourcePlan plan = job.Plan!.Accepted(job.Request.Workload);
        return new DestinationRequirements(job.Request.Workload, plan.Bundle, plan.ResidentBytes, plan.KernelRelease, plan.CpuFlags, Memory(job), plan.Managed);
    }

    // No step but the plan itself is done without one.
    private static SourceTasks Tasks(MigrationJob job) => new(job.Plan!.StartTime, job.Request.Freezer, job.Plan.ResidentBytes, job.Plan.Managed, job.CopiesVolumes);

    private static MemoryMode Memory(MigrationJob job) => job.Request.Memory ?? job.Plan!.Memory;

    private static MigrationJob WithReport(MigrationJob job, StepAnswer answer) => job with
    {
        Phases = [.. job.Phases, .. answer.Report!.Phases],
        Transfer = answer.Report.Transfer ?? job.Transfer,
        Volumes = job.Volumes is { } volumes && answer.Report.VolumeBytes is { } bytes ? volumes with { Within = bytes } : job.Volumes,
    };

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}
