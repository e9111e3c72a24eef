namespace Watari.GrainInterfaces.Model;

/// <summary>A command to the engine of a host: small, and idempotent by its key.</summary>
/// <param name="Vm">Name of the VM on that host.</param>
[GenerateSerializer, Immutable, Alias("watari.EngineCommand")]
public abstract record EngineCommand([property: Id(0)] StepKey Key, [property: Id(1)] string Vm, [property: Id(2)] WorkloadId Workload);

[GenerateSerializer, Immutable, Alias("watari.PlanSource")]
public sealed record PlanSource(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] Freezer Freezer) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.CheckDestination")]
public sealed record CheckDestination(StepKey Key, string Vm, [property: Id(0)] DestinationRequirements Requirements)
    : EngineCommand(Key, Vm, Requirements.Workload);

[GenerateSerializer, Immutable, Alias("watari.PrepareDestination")]
public sealed record PrepareDestination(StepKey Key, string Vm, [property: Id(0)] DestinationRequirements Requirements)
    : EngineCommand(Key, Vm, Requirements.Workload);

[GenerateSerializer, Immutable, Alias("watari.CopyVolumes")]
public sealed record CopyVolumes(
    StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] SourceTasks Tasks, [property: Id(1)] TransferTarget Target, [property: Id(2)] int Streams)
    : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.FillVolumes")]
public sealed record FillVolumes(StepKey Key, string Vm, WorkloadId Workload) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.Freeze")]
public sealed record Freeze(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] SourceTasks Tasks) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.Capture")]
public sealed record Capture(
    StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] TransferTarget Target, [property: Id(1)] int Streams, [property: Id(2)] MemoryMode Memory)
    : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.Restore")]
public sealed record Restore(StepKey Key, string Vm, WorkloadId Workload) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.ThawDestination")]
public sealed record ThawDestination(StepKey Key, string Vm, WorkloadId Workload) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.RetireSource")]
public sealed record RetireSource(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] SourceTasks Tasks, [property: Id(1)] bool Keep) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.RollBackSource")]
public sealed record RollBackSource(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] SourceTasks Tasks) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.RollBackDestination")]
public sealed record RollBackDestination(StepKey Key, string Vm, WorkloadId Workload) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.Checkpoint")]
public sealed record Checkpoint(StepKey Key, string Vm, WorkloadId Workload, [property: Id(2)] CheckpointOptions Options) : EngineCommand(Key, Vm, Workload);

[GenerateSerializer, Immutable, Alias("watari.RestoreArchive")]
public sealed record RestoreArchive(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] ArchiveRestore Options) : EngineCommand(Key, Vm, Workload);

/// <summary>Where a command stands. A command that failed is answered by its <see cref="EngineException"/> instead.</summary>
/// <param name="Finished">False: it still runs; ask again with the same key.</param>
/// <param name="Progress">While it runs and moves pages: how far it is.</param>
[GenerateSerializer, Immutable, Alias("watari.StepAnswer")]
public sealed record StepAnswer(
    [property: Id(0)] bool Finished,
    [property: Id(1)] SourcePlan? Plan = null,
    [property: Id(2)] TransferTarget? Target = null,
    [property: Id(3)] EngineReport? Report = null,
    [property: Id(4)] TransferStatistics? Progress = null);

/// <summary>What was found, and who could not be asked.</summary>
/// <param name="Problems">A sentence for each host or VM that could not be looked into.</param>
[GenerateSerializer, Immutable, Alias("watari.Listing`1")]
public sealed record Listing<T>([property: Id(0)] ImmutableArray<T> Items, [property: Id(1)] ImmutableArray<string> Problems);
