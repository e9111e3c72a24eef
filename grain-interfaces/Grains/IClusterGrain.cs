using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>What a person asks first: what is there, and what does a name mean. Key: 0. Hosts are the live silos of the membership.</summary>
[Alias("watari.IClusterGrain")]
public interface IClusterGrain : IGrainWithIntegerKey
{
    [Alias("ListHosts"), ResponseTimeout("00:00:15")]
    Task<ImmutableArray<HostDescription>> ListHostsAsync(CancellationToken cancellationToken = default);

    [Alias("ListVms"), ResponseTimeout("00:00:15")]
    Task<Listing<VmDescription>> ListVmsAsync(CancellationToken cancellationToken = default);

    /// <summary>Containers in all states.</summary>
    /// <param name="vm">Only this VM's, by a name as for <see cref="ResolveVmAsync"/>; null for all.</param>
    /// <param name="withSizes">See <see cref="IVmGrain.ListContainersAsync"/>.</param>
    /// <exception cref="EngineException">The VM is unknown or ambiguous.</exception>
    [Alias("ListContainers"), ResponseTimeout("00:00:30")]
    Task<Listing<ContainerDescription>> ListContainersAsync(string? vm = null, bool withSizes = false, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="IVmGrain.ListImagesAsync"/>
    /// <param name="vm">Only this VM's; null for all.</param>
    [Alias("ListImages"), ResponseTimeout("00:00:30")]
    Task<Listing<ImageDescription>> ListImagesAsync(string? vm = null, CancellationToken cancellationToken = default);

    /// <param name="name"><c>VM</c>, where one host alone has it, or <c>HOST/VM</c>.</param>
    /// <exception cref="EngineException">No VM or several bear the name; the message names those there are.</exception>
    [Alias("ResolveVm"), ResponseTimeout("00:00:15")]
    Task<VmId> ResolveVmAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>A container in any state.</summary>
    /// <param name="name">A container's name, its id, or the beginning of its id.</param>
    /// <param name="vm">Where to look; null for everywhere.</param>
    /// <exception cref="EngineException">No container or several bear the name; the message names those there are.</exception>
    [Alias("ResolveContainer"), ResponseTimeout("00:00:30")]
    Task<ContainerDescription> ResolveContainerAsync(string name, string? vm = null, CancellationToken cancellationToken = default);

    /// <summary>A container that runs: one of the name that does not is none of several, and alone it is told so.</summary>
    /// <inheritdoc cref="ResolveContainerAsync"/>
    /// <exception cref="EngineException">As there; or <see cref="FailureKind.Refused"/>: it does not run.</exception>
    [Alias("ResolveRunningContainer"), ResponseTimeout("00:00:30")]
    Task<ContainerDescription> ResolveRunningContainerAsync(string name, string? vm = null, CancellationToken cancellationToken = default);

    /// <summary>Newest first.</summary>
    [Alias("ListJobs"), ResponseTimeout("00:00:15")]
    Task<ImmutableArray<JobSummary>> ListJobsAsync(CancellationToken cancellationToken = default);
}

/// <summary>The durable list of jobs. Key: 0. The list is written before a job is, so that no job is ever missing from it.</summary>
[Alias("watari.IJobIndexGrain")]
public interface IJobIndexGrain : IGrainWithIntegerKey
{
    [Alias("Put"), ResponseTimeout("00:00:10")]
    Task PutAsync(JobSummary job);

    [Alias("Remove"), ResponseTimeout("00:00:10")]
    Task RemoveAsync(string job);

    [Alias("List"), ResponseTimeout("00:00:10")]
    Task<ImmutableArray<JobSummary>> ListAsync();
}
