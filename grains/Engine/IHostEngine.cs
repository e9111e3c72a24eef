using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Engine;

/// <summary>
/// The data plane of one host, as its grains command it. Commands are short words with long effects: each is idempotent by its
/// <see cref="StepKey"/> (asked again with the same key it answers with the first outcome; with an older epoch it is refused with
/// <see cref="FailureKind.Fenced"/>), runs on the engine's own threads, and fails with <see cref="EngineException"/> alone.
/// Bytes of guest memory never pass through it.
/// </summary>
public interface IHostEngine
{
    Task<HostDescription> DescribeHostAsync(CancellationToken cancellationToken);

    /// <summary>Of the VMs that there are, whether or not they answer; none is asked.</summary>
    IReadOnlyList<string> VmNames { get; }

    Task<IReadOnlyList<VmDescription>> ListVmsAsync(CancellationToken cancellationToken);

    /// <summary>A VM's containers in all states.</summary>
    /// <param name="withSizes">Whether what they have written is measured.</param>
    /// <exception cref="EngineException">The VM is unknown, or neither its memory nor its disk can be read.</exception>
    Task<Listing<ContainerDescription>> ListContainersAsync(string vm, bool withSizes, CancellationToken cancellationToken);

    /// <summary>The images that runtimes have in a VM.</summary>
    /// <exception cref="EngineException">The VM is unknown, or its files cannot be read.</exception>
    Task<Listing<ImageDescription>> ListImagesAsync(string vm, CancellationToken cancellationToken);

    /// <summary>The processes of a container, in the order of their start.</summary>
    /// <exception cref="EngineException">The VM or the container is unknown or gone, or the kernel cannot be read.</exception>
    Task<IReadOnlyList<ProcessDescription>> ListProcessesAsync(string vm, string container, CancellationToken cancellationToken);

    /// <summary>What each container of a VM has used up to now.</summary>
    /// <exception cref="EngineException">The VM is unknown, gone, or its kernel cannot be read.</exception>
    Task<UsageSample> ReadUsageAsync(string vm, CancellationToken cancellationToken);

    /// <summary>Whether a VM is fit for Watari, check by check. Touches nothing.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.NotFound"/>: there is no such VM. All else is a finding.</exception>
    Task<VmExamination> ExamineVmAsync(string vm, CancellationToken cancellationToken);

    /// <summary>A piece of the guest kernel's log, from a record on, as far as a message may carry. Touches nothing.</summary>
    /// <exception cref="EngineException">The VM is unknown, gone, or its kernel cannot be read.</exception>
    Task<KernelLogPiece> ReadKernelLogAsync(string vm, ulong from, CancellationToken cancellationToken);

    /// <summary>What has happened to containers of this host's VMs, from a place on. Touches nothing; it begins to look when it is first asked.</summary>
    Task<EventsPiece> ReadEventsAsync(EventsPlace? from, DateTimeOffset? since, CancellationToken cancellationToken);

    /// <summary>Files and logs of containers.</summary>
    IContainerFiles Files { get; }

    /// <summary>Commands in containers.</summary>
    IContainerCommands Commands { get; }

    /// <summary>Source: looks at each object of the workload while it runs. Touches nothing.</summary>
    /// <param name="freezer">Who will freeze it; refused here where that cannot be.</param>
    Task<SourcePlan> PlanSourceAsync(StepKey key, string vm, WorkloadId workload, Freezer freezer, CancellationToken cancellationToken);

    /// <summary>Destination: says whether the VM can take the workload, or fails with <see cref="FailureKind.Refused"/>. Touches nothing.</summary>
    Task CheckDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken);

    /// <summary>Destination: reserves memory, prepares the container and the landing zone, and listens for the job's pages.</summary>
    Task<TransferTarget> PrepareDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken);

    /// <summary>Source, while the workload runs: reads its named volumes and sends them. What changes in them meanwhile is sent by the capture.</summary>
    /// <returns>With how many bytes of them went.</returns>
    Task<EngineReport> CopyVolumesAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, TransferTarget target, int streams, CancellationToken cancellationToken);

    /// <summary>Destination: makes the volumes that have come, and fills them.</summary>
    Task<EngineReport> FillVolumesAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken);

    /// <summary>Source: from here on no thread of the workload runs.</summary>
    Task<EngineReport> FreezeAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken);

    /// <summary>Source: reads the frozen workload out of the VM's memory and sends images and pages to the destination's host.</summary>
    Task<EngineReport> CaptureAsync(StepKey key, string vm, WorkloadId workload, TransferTarget target, int streams, MemoryMode memory, CancellationToken cancellationToken);

    /// <summary>Destination: builds the skeleton, writes and verifies the memory. The workload exists there, frozen.</summary>
    Task<EngineReport> RestoreAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken);

    /// <summary>
    /// Destination, after the commit: the workload runs on from here. Done also where it runs already; it fails with
    /// <see cref="FailureKind.WorkloadLost"/> where it is not there.
    /// </summary>
    Task<EngineReport> ThawDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken);

    /// <summary>
    /// Source, after the commit: the frozen workload is killed without having run again, its runtime's record of it removed where an agent
    /// can do so, and what the job held is let go. Done also where it is gone.
    /// </summary>
    /// <param name="keep">The record stays.</param>
    /// <returns>With what is left there.</returns>
    Task<EngineReport> RetireSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, bool keep, CancellationToken cancellationToken);

    /// <summary>
    /// Source, roll back: the workload runs again; nothing of the job is left. Done also where nothing was frozen; it fails with
    /// <see cref="FailureKind.WorkloadLost"/> where the workload has ended.
    /// </summary>
    Task RollBackSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken);

    /// <summary>Destination, roll back: nothing of the job is left in the VM or on the host. Done also where nothing was prepared.</summary>
    Task RollBackDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken);

    /// <summary>Saves the workload on the host; freezes and thaws it by itself.</summary>
    Task<EngineReport> CheckpointAsync(StepKey key, string vm, WorkloadId workload, CheckpointOptions options, CancellationToken cancellationToken);

    /// <summary>Makes a container in the VM out of an archive on the host. Where it fails, nothing of it is left there.</summary>
    /// <param name="promise">Is told, before anything is touched, how many bytes of the VM's memory it takes, and says how many others have been promised.</param>
    Task<EngineReport> RestoreArchiveAsync(StepKey key, string vm, ArchiveRestore options, Func<long, long> promise, CancellationToken cancellationToken);

    /// <summary>Freezes all of a container, as its runtime's pause does. Refused where it is paused already.</summary>
    Task<EngineReport> PauseAsync(StepKey key, string vm, WorkloadId workload, Actor by, CancellationToken cancellationToken);

    /// <summary>Lets a container run on, whoever paused it. Refused where it is not paused.</summary>
    Task<EngineReport> UnpauseAsync(StepKey key, string vm, WorkloadId workload, Actor by, CancellationToken cancellationToken);

    /// <summary>
    /// Sends a container's first process a signal; SIGKILL ends all of it. From outside, that is done when it has ended, and of a signal that
    /// comes to nothing it is told; by the agent it is done when the signal is sent, whatever becomes of it.
    /// </summary>
    Task<EngineReport> KillAsync(StepKey key, string vm, WorkloadId workload, Signal signal, Actor by, CancellationToken cancellationToken);

    /// <summary>Has a container's engine end it, by the agent in its VM. Done also where it has ended.</summary>
    Task<EngineReport> StopAsync(StepKey key, string vm, WorkloadId workload, StopOptions options, CancellationToken cancellationToken);

    /// <summary>How far the job's pages are on this host, while a capture runs; null where nothing is known. Never blocks.</summary>
    TransferStatistics? TransferProgress(string job) => null;
}
