using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>The door to a host's engine. Key: the host's name. It lives on the silo of that host and nowhere else.</summary>
[Alias("watari.IHostGrain")]
public interface IHostGrain : IGrainWithStringKey
{
    [Alias("Describe"), ResponseTimeout("00:00:10")]
    Task<HostDescription> DescribeAsync(CancellationToken cancellationToken = default);

    [Alias("ListVms"), ResponseTimeout("00:00:10")]
    Task<ImmutableArray<VmDescription>> ListVmsAsync(CancellationToken cancellationToken = default);

    /// <summary>The names of its VMs, without asking any of them.</summary>
    [Alias("ListVmNames"), ResponseTimeout("00:00:10")]
    Task<ImmutableArray<string>> ListVmNamesAsync(CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ListContainersAsync"/>
    /// <param name="vm">Name of the VM on this host.</param>
    [Alias("ListContainers"), ResponseTimeout("00:00:20")]
    Task<Listing<ContainerDescription>> ListContainersAsync(string vm, bool withSizes, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ListImagesAsync"/>
    [Alias("ListImages"), ResponseTimeout("00:00:20")]
    Task<Listing<ImageDescription>> ListImagesAsync(string vm, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ListProcessesAsync"/>
    [Alias("ListProcesses"), ResponseTimeout("00:00:20")]
    Task<ImmutableArray<ProcessDescription>> ListProcessesAsync(string vm, string container, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ReadUsageAsync"/>
    [Alias("ReadUsage"), ResponseTimeout("00:00:20")]
    Task<UsageSample> ReadUsageAsync(string vm, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ExamineAsync"/>
    [Alias("ExamineVm"), ResponseTimeout("00:00:30")]
    Task<VmExamination> ExamineVmAsync(string vm, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ReadKernelLogAsync"/>
    [Alias("ReadKernelLog"), ResponseTimeout("00:00:20")]
    Task<KernelLogPiece> ReadKernelLogAsync(string vm, ulong from, CancellationToken cancellationToken = default);

    /// <summary>Starts a command, or finds the one that runs or ran under the same key, and waits for it for a while.</summary>
    /// <param name="patience">How long to wait before answering that it still runs.</param>
    /// <exception cref="EngineException">The command failed, or its epoch is not the one that its job has on disk.</exception>
    [Alias("Execute"), ResponseTimeout("00:00:10")]
    Task<StepAnswer> ExecuteAsync(EngineCommand command, TimeSpan patience);

    /// <summary>Waits for a command that was started before, and never starts one.</summary>
    /// <returns>Null: this run of the host's silo knows nothing of it; if it ran, its end is not known and nothing runs of it any more.</returns>
    /// <exception cref="EngineException">The command failed.</exception>
    [Alias("Follow"), ResponseTimeout("00:00:10")]
    Task<StepAnswer?> FollowAsync(StepKey key, TimeSpan patience);
}
