namespace Watari.GrainInterfaces.Model;

/// <summary>A host: a machine with a silo, its VMs and its engine.</summary>
/// <param name="Cores">Cores that the silo may run on.</param>
/// <param name="MemoryBytes">Physical memory of the host.</param>
/// <param name="LoadAverage">One-minute load average of the host, as in /proc/loadavg.</param>
/// <param name="Problem">Why the host does not answer, in one sentence; null where it does.</param>
[GenerateSerializer, Immutable, Alias("watari.HostDescription")]
public sealed record HostDescription(
    [property: Id(0)] string Name,
    [property: Id(1)] int Cores,
    [property: Id(2)] long MemoryBytes,
    [property: Id(3)] double LoadAverage,
    [property: Id(4)] int VmCount,
    [property: Id(5)] string Version,
    [property: Id(6)] string? Problem = null);

/// <summary>Run state of a VM, in QEMU's words (QMP <c>query-status</c>) where QEMU answers.</summary>
[GenerateSerializer, Alias("watari.VmStatus")]
public enum VmStatus
{
    Running,
    Paused,
    Panicked,
    Shutdown,

    /// <summary>QEMU's monitor does not answer: the guest may run or not.</summary>
    Unreachable,

    /// <summary>Its QEMU has ended: nothing runs in it any more.</summary>
    Gone,
}

/// <summary>A VM as its host sees it.</summary>
/// <param name="Accelerator"><c>kvm</c> or <c>tcg</c>.</param>
/// <param name="KernelRelease">As <c>uname -r</c> says it, read from guest memory; null while it is not known.</param>
/// <param name="AgentVersion">Version of the guest agent that answers; null where none does.</param>
/// <param name="Problem">Why the VM cannot be looked into, in one sentence; null where it can.</param>
/// <param name="Ram">How its RAM is reached: <c>memfd</c>, <c>shared file</c> or <c>process memory</c>; null where it is not.</param>
[GenerateSerializer, Immutable, Alias("watari.VmDescription")]
public sealed record VmDescription(
    [property: Id(0)] VmId Id,
    [property: Id(1)] VmStatus Status,
    [property: Id(2)] long MemoryBytes,
    [property: Id(3)] int VirtualCpus,
    [property: Id(4)] string Accelerator,
    [property: Id(5)] string? KernelRelease,
    [property: Id(6)] string? AgentVersion,
    [property: Id(7)] int ContainerCount,
    [property: Id(8)] string? Problem,
    [property: Id(9)] string? Ram = null);

/// <summary>State of a container, in the runtimes' words.</summary>
[GenerateSerializer, Alias("watari.ContainerStatus")]
public enum ContainerStatus
{
    Running,
    Paused,
}

/// <summary>A container found in a VM's memory.</summary>
/// <param name="Id">Its runtime's id: for runc the name it was started with.</param>
/// <param name="Runtime"><c>runc</c>, <c>podman</c>, …</param>
/// <param name="CgroupPath">Path below the cgroup2 root, beginning with a slash.</param>
/// <param name="InitPid">Pid of the container's first process in the VM's initial pid namespace.</param>
/// <param name="ResidentBytes">Sum of the processes' resident anonymous, file and shared memory.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerDescription")]
public sealed record ContainerDescription(
    [property: Id(0)] string Id,
    [property: Id(1)] string Name,
    [property: Id(2)] VmId Vm,
    [property: Id(3)] ContainerStatus Status,
    [property: Id(4)] string Runtime,
    [property: Id(5)] string CgroupPath,
    [property: Id(6)] int InitPid,
    [property: Id(7)] int Processes,
    [property: Id(8)] int Threads,
    [property: Id(9)] long ResidentBytes,
    [property: Id(10)] string Command);
