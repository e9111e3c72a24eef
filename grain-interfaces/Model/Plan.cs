using System.Text.Json.Serialization;

namespace Watari.GrainInterfaces.Model;

/// <summary>What the source says of a container before anything is touched, and what its destination must offer.</summary>
/// <param name="Objections">Objects that are refused or need help; those simply carried are only counted.</param>
/// <param name="ResidentBytes">Bytes of memory that will travel at most, zero pages included.</param>
/// <param name="Bundle">The OCI bundle's path in the VM; null for a plain process tree.</param>
/// <param name="CpuFlags">Flags of the source's virtual CPU, as in /proc/cpuinfo: the destination must have each.</param>
/// <param name="StartTime">When the workload's first process started, in nanoseconds of the guest's boot clock: tells it from a later one of the same name or pid.</param>
/// <param name="Memory">How its memory should come into the destination.</param>
/// <param name="Managed">What its engine has written of it: the destination's makes it there, too. Null of all but containers of Docker's and podman's.</param>
[GenerateSerializer, Immutable, Alias("watari.SourcePlan")]
public sealed record SourcePlan(
    [property: Id(0)] ContainerDescription? Container,
    [property: Id(1)] ImmutableArray<ObjectVerdict> Objections,
    [property: Id(2)] int CarriedObjects,
    [property: Id(3)] long ResidentBytes,
    [property: Id(4)] string? Bundle,
    [property: Id(5)] string KernelRelease,
    [property: Id(6)] ImmutableArray<string> CpuFlags,
    [property: Id(7)] ulong StartTime,
    [property: Id(8)] MemoryMode Memory,
    [property: Id(9)] ManagedContainer? Managed = null)
{
    [JsonIgnore]
    public bool IsRefused => Objections.Any(o => o.Kind == VerdictKind.Refused);
}

/// <summary>A container of Docker's or podman's, as its engine has written of it.</summary>
/// <param name="Engine"><c>docker</c>, <c>podman</c>.</param>
/// <param name="ImageId">64 hexadecimal digits.</param>
/// <param name="ImageName">By which the engine looks for the image; null where it has none.</param>
/// <param name="Volumes">Its named volumes, which come along; of Docker's the nameless, too.</param>
/// <param name="FileBytes">Bytes of its files that come along, about: changes of its image, volumes, /dev/shm, log.</param>
/// <param name="Restarts">It has a restart policy: its engine starts it again when it ends, unless the engine is the one that ends it.</param>
/// <param name="Binds">Of Docker's: what of the VM's own files it sees, which the destination must have.</param>
/// <param name="CgroupDriver">Of Docker's: <c>systemd</c> or <c>cgroupfs</c>, which the destination must have.</param>
[GenerateSerializer, Immutable, Alias("watari.ManagedContainer")]
public sealed record ManagedContainer(
    [property: Id(0)] string Engine,
    [property: Id(1)] string Id,
    [property: Id(2)] string Name,
    [property: Id(3)] string ImageId,
    [property: Id(4)] string? ImageName,
    [property: Id(5)] ImmutableArray<string> Volumes,
    [property: Id(6)] long FileBytes,
    [property: Id(7)] bool Restarts,
    [property: Id(8)] ImmutableArray<string> Binds,
    [property: Id(9)] string? CgroupDriver = null);

/// <summary>What the destination must offer, taken from the source's plan.</summary>
[GenerateSerializer, Immutable, Alias("watari.DestinationRequirements")]
public sealed record DestinationRequirements(
    [property: Id(0)] WorkloadId Workload,
    [property: Id(1)] string? Bundle,
    [property: Id(2)] long MemoryBytes,
    [property: Id(3)] string KernelRelease,
    [property: Id(4)] ImmutableArray<string> CpuFlags,
    [property: Id(5)] MemoryMode Memory,
    [property: Id(6)] ManagedContainer? Managed = null);

/// <summary>The very tasks that a plan was made of, and who holds them still.</summary>
/// <param name="StartTime"><see cref="SourcePlan.StartTime"/>.</param>
/// <param name="ResidentBytes"><see cref="SourcePlan.ResidentBytes"/>: what room is made for.</param>
/// <param name="Managed"><see cref="SourcePlan.Managed"/>: with it go its files, and in the end what its engine keeps of it.</param>
/// <param name="VolumesWentAhead">What the source has sent of its volumes is at the destination: only what has changed since follows.</param>
[GenerateSerializer, Immutable, Alias("watari.SourceTasks")]
public sealed record SourceTasks([property: Id(0)] ulong StartTime, [property: Id(1)] Freezer Freezer, [property: Id(2)] long ResidentBytes, [property: Id(3)] ManagedContainer? Managed = null, [property: Id(4)] bool VolumesWentAhead = false);

/// <summary>Where the destination's host listens for a job's pages.</summary>
/// <param name="TakesVolumes">Named volumes may come before the container does.</param>
[GenerateSerializer, Immutable, Alias("watari.TransferTarget")]
public sealed record TransferTarget([property: Id(0)] string Host, [property: Id(1)] int Port, [property: Id(2)] bool TakesVolumes = false);
