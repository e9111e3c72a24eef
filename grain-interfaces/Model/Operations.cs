namespace Watari.GrainInterfaces.Model;

/// <summary>What is done to a container where it is, unlike a migration.</summary>
[GenerateSerializer, Alias("watari.OperationKind")]
public enum OperationKind
{
    Checkpoint,
    Pause,
    Unpause,
    Kill,
    Stop,
}

/// <summary>Who does something to a container.</summary>
[GenerateSerializer, Alias("watari.Actor")]
public enum Actor
{
    /// <summary>The host, by writing the VM's memory: nothing of Watari is needed in the VM.</summary>
    Outside,

    /// <summary>The agent in the VM, by cgroup.freeze and kill(2).</summary>
    Agent,
}

/// <summary>An operation at work, by the command that its host was given for it.</summary>
[GenerateSerializer, Immutable, Alias("watari.Operation")]
public sealed record Operation([property: Id(0)] OperationKind Kind, [property: Id(1)] StepKey Key)
{
    /// <summary>E.g. <c>A checkpoint</c>.</summary>
    public static string Name(OperationKind kind) => kind == OperationKind.Unpause ? "An unpause" : $"A {kind.ToString().ToLowerInvariant()}";
}

/// <summary>All of a container stands still from here on, as a runtime's own pause has it.</summary>
[GenerateSerializer, Immutable, Alias("watari.Pause")]
public sealed record Pause(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] Actor By) : EngineCommand(Key, Vm, Workload);

/// <summary>A paused container runs on, whoever paused it.</summary>
[GenerateSerializer, Immutable, Alias("watari.Unpause")]
public sealed record Unpause(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] Actor By) : EngineCommand(Key, Vm, Workload);

/// <summary>A container's first process is sent a signal; SIGKILL ends all of it.</summary>
[GenerateSerializer, Immutable, Alias("watari.Kill")]
public sealed record Kill(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] Signal Signal, [property: Id(1)] Actor By)
    : EngineCommand(Key, Vm, Workload);

/// <summary>How a container is stopped.</summary>
/// <param name="Signal">Null: the one that the container was made with, SIGTERM where it was not said.</param>
/// <param name="Patience">Until SIGKILL, in whole seconds; null: what the container was made with, ten seconds where it was not said.</param>
[GenerateSerializer, Immutable, Alias("watari.StopOptions")]
public sealed record StopOptions([property: Id(0)] Signal? Signal, [property: Id(1)] TimeSpan? Patience);

/// <summary>A container is ended by its own engine, so that this knows of it and does not start it again.</summary>
[GenerateSerializer, Immutable, Alias("watari.StopContainer")]
public sealed record StopContainer(StepKey Key, string Vm, WorkloadId Workload, [property: Id(0)] StopOptions Options) : EngineCommand(Key, Vm, Workload);
