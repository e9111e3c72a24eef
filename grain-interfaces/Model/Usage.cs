namespace Watari.GrainInterfaces.Model;

/// <summary>A process of a container, read from its VM's memory.</summary>
/// <param name="Pid">Its id in the VM's initial pid namespace.</param>
/// <param name="ContainerPid">Its id in the container's.</param>
/// <param name="ParentPid">In the VM's initial pid namespace; 0 where it has none.</param>
/// <param name="UserId">Its effective user's, in the VM's initial user namespace.</param>
/// <param name="State">The letter that ps(1) shows: R, S, D, T, t, X, Z, P or I.</param>
/// <param name="CpuTime">Of its threads, those that have ended too.</param>
/// <param name="Started">By the guest's wall clock, as it reckons now.</param>
/// <param name="ResidentBytes">Its resident set.</param>
/// <param name="Command">Its command line, or its name in brackets where it has none.</param>
[GenerateSerializer, Immutable, Alias("watari.ProcessDescription")]
public sealed record ProcessDescription(
    [property: Id(0)] int Pid,
    [property: Id(1)] int ContainerPid,
    [property: Id(2)] int ParentPid,
    [property: Id(3)] uint UserId,
    [property: Id(4)] char State,
    [property: Id(5)] int Threads,
    [property: Id(6)] TimeSpan CpuTime,
    [property: Id(7)] DateTimeOffset Started,
    [property: Id(8)] long ResidentBytes,
    [property: Id(9)] string Command);

/// <summary>What a container has used, as its cgroup tells it; null for what its cgroup does not keep.</summary>
/// <param name="CpuTime">Since it was made, of all processors together.</param>
/// <param name="MemoryBytes">Charged to it now, page cache included: memory.current.</param>
/// <param name="MemoryLimit">memory.max; the VM's memory where it has no limit of its own.</param>
/// <param name="Tasks">Threads in it: pids.current.</param>
/// <param name="CpuPressure">Percent of the last ten seconds in which a task of it waited for a processor (PSI, some avg10).</param>
/// <param name="MemoryPressure">The same for memory.</param>
/// <param name="IoPressure">The same for disks.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerUsage")]
public sealed record ContainerUsage(
    [property: Id(0)] string Id,
    [property: Id(1)] string Name,
    [property: Id(2)] TimeSpan? CpuTime,
    [property: Id(3)] long? MemoryBytes,
    [property: Id(4)] long? MemoryLimit,
    [property: Id(5)] long? Tasks,
    [property: Id(6)] double? CpuPressure,
    [property: Id(7)] double? MemoryPressure,
    [property: Id(8)] double? IoPressure);

/// <summary>What the containers of a VM have used up to one moment.</summary>
/// <param name="At">The moment, on a clock of its host that only goes forward: for the difference to another.</param>
[GenerateSerializer, Immutable, Alias("watari.UsageSample")]
public sealed record UsageSample([property: Id(0)] VmId Vm, [property: Id(1)] TimeSpan At, [property: Id(2)] ImmutableArray<ContainerUsage> Containers);
