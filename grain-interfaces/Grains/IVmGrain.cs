using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>A virtual machine. Key: <c>HOST/VM</c>, as <see cref="VmId.ToString"/> writes it. It lives on its host's silo.</summary>
[Alias("watari.IVmGrain")]
public interface IVmGrain : IGrainWithStringKey
{
    /// <exception cref="EngineException"><see cref="FailureKind.NotFound"/>: the host has no such VM; the message names those it has.</exception>
    [Alias("Describe"), ResponseTimeout("00:00:15")]
    Task<VmDescription> DescribeAsync(CancellationToken cancellationToken = default);

    /// <summary>Its containers in all states, the newest first; what of them could not be read is among the problems.</summary>
    /// <param name="withSizes">Whether what containers have written is measured, file by file (Docker's alone).</param>
    /// <exception cref="EngineException">The VM is unknown, or neither its memory nor its disk can be read.</exception>
    [Alias("ListContainers"), ResponseTimeout("00:00:25")]
    Task<Listing<ContainerDescription>> ListContainersAsync(bool withSizes = false, CancellationToken cancellationToken = default);

    /// <summary>The images that Docker and podman have in it, the newest first.</summary>
    /// <exception cref="EngineException">The VM is unknown, or its files cannot be read.</exception>
    [Alias("ListImages"), ResponseTimeout("00:00:25")]
    Task<Listing<ImageDescription>> ListImagesAsync(CancellationToken cancellationToken = default);

    /// <summary>The processes of a container, in the order of their start.</summary>
    /// <param name="container">Its id.</param>
    /// <exception cref="EngineException">The VM or the container is unknown or gone, or the kernel cannot be read.</exception>
    [Alias("ListProcesses"), ResponseTimeout("00:00:25")]
    Task<ImmutableArray<ProcessDescription>> ListProcessesAsync(string container, CancellationToken cancellationToken = default);

    /// <summary>What each container has used up to now.</summary>
    /// <exception cref="EngineException">The VM is unknown, gone, or its kernel cannot be read.</exception>
    [Alias("ReadUsage"), ResponseTimeout("00:00:25")]
    Task<UsageSample> ReadUsageAsync(CancellationToken cancellationToken = default);

    /// <summary>Whether the VM is fit for Watari, check by check. Nothing is changed.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.NotFound"/>: the host has no such VM. All else is a finding.</exception>
    [Alias("Examine"), ResponseTimeout("00:00:35")]
    Task<VmExamination> ExamineAsync(CancellationToken cancellationToken = default);

    /// <summary>The guest kernel's log, from a record on: what <c>dmesg</c> in the guest would show. Also of a guest whose kernel has panicked.</summary>
    /// <param name="from">The first record's <see cref="KernelLogEntry.Sequence"/>; what was overwritten is left out.</param>
    /// <exception cref="EngineException">The VM is unknown, gone, or its kernel cannot be read.</exception>
    [Alias("ReadKernelLog"), ResponseTimeout("00:00:25")]
    Task<KernelLogPiece> ReadKernelLogAsync(ulong from, CancellationToken cancellationToken = default);
}
