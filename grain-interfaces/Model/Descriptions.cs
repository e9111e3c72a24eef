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

/// <summary>State of a container, in the words of Docker and podman.</summary>
[GenerateSerializer, Alias("watari.ContainerStatus")]
public enum ContainerStatus
{
    Running,
    Paused,

    /// <summary>Its record cannot be read, or says nothing that is known.</summary>
    Unknown,

    /// <summary>Never started.</summary>
    Created,

    /// <summary>Podman's: its processes are prepared, and wait for the first start.</summary>
    Initialized,
    Restarting,

    /// <summary>Podman's: it was told to stop, and has not ended yet.</summary>
    Stopping,

    /// <summary>It has run and no process of it lives, but its runtime has not written down that it ended.</summary>
    Stopped,
    Exited,
    Removing,

    /// <summary>Docker's: its removal failed.</summary>
    Dead,
}

/// <summary>A container of a VM: what its memory tells of it while it runs, and what its runtime has written of it.</summary>
/// <param name="Id">Its runtime's id: for runc the name it was started with.</param>
/// <param name="Name">What people call it: its runtime's name for it, or its id.</param>
/// <param name="Runtime"><c>runc</c>, <c>podman</c>, …</param>
/// <param name="CgroupPath">Path below the cgroup2 root, beginning with a slash; empty where it does not run.</param>
/// <param name="InitPid">Pid of the container's first process in the VM's initial pid namespace; 0 where none lives.</param>
/// <param name="ResidentBytes">Sum of the processes' resident anonymous, file and shared memory.</param>
/// <param name="Command">Of its first process; where it does not run, what was written down.</param>
/// <param name="Details">What its runtime has written of it; null where that was not read, or cannot be.</param>
/// <param name="Contradiction">Why its state is not what its record says; null where it is.</param>
/// <param name="DockerRow">JSON: its line of <c>docker ps -a --no-trunc --format json</c>, whatever its runtime; null where that was not asked for.</param>
/// <param name="PodmanRow">JSON: its object of <c>podman ps -a --format json</c>; null of all but podman's.</param>
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
    [property: Id(10)] string Command,
    [property: Id(11)] ContainerDetails? Details = null,
    [property: Id(12)] string? Contradiction = null,
    [property: Id(13)] string? DockerRow = null,
    [property: Id(14)] string? PodmanRow = null)
{
    /// <summary>Processes of it live.</summary>
    public bool Runs => InitPid != 0;
}
