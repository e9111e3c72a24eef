using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>A virtual machine. Key: <c>HOST/VM</c>, as <see cref="VmId.ToString"/> writes it. It lives on its host's silo.</summary>
[Alias("watari.IVmGrain")]
public interface IVmGrain : IGrainWithStringKey
{
    /// <exception cref="EngineException"><see cref="FailureKind.NotFound"/>: the host has no such VM; the message names those it has.</exception>
    [Alias("Describe"), ResponseTimeout("00:00:15")]
    Task<VmDescription> DescribeAsync(CancellationToken cancellationToken = default);

    /// <exception cref="EngineException">The VM is unknown, gone, or its kernel cannot be read.</exception>
    [Alias("ListContainers"), ResponseTimeout("00:00:25")]
    Task<ImmutableArray<ContainerDescription>> ListContainersAsync(CancellationToken cancellationToken = default);
}
