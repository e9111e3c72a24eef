using Orleans.Concurrency;
using Orleans.Placement;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Hosts;

/// <inheritdoc cref="IVmGrain"/>
[GrainType("vm"), HostPinned, Immovable, Reentrant]
internal sealed class VmGrain : Grain, IVmGrain
{
    private VmId Id => VmId.Parse(this.GetPrimaryKeyString());

    private IHostGrain Host => GrainFactory.GetGrain<IHostGrain>(Id.Host);

    public async Task<VmDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        ImmutableArray<VmDescription> vms = await Host.ListVmsAsync(cancellationToken);
        return vms.FirstOrDefault(v => v.Id == Id) ?? throw new EngineException(
            FailureKind.NotFound,
            $"Host '{Id.Host}' has no VM '{Id.Vm}' (it has: {string.Join(", ", vms.Select(v => v.Id.Vm).DefaultIfEmpty("none"))}).");
    }

    public Task<Listing<ContainerDescription>> ListContainersAsync(bool withSizes, CancellationToken cancellationToken) =>
        Host.ListContainersAsync(Id.Vm, withSizes, cancellationToken);

    public Task<Listing<ImageDescription>> ListImagesAsync(CancellationToken cancellationToken) => Host.ListImagesAsync(Id.Vm, cancellationToken);

    public Task<ImmutableArray<ProcessDescription>> ListProcessesAsync(string container, CancellationToken cancellationToken) =>
        Host.ListProcessesAsync(Id.Vm, container, cancellationToken);

    public Task<UsageSample> ReadUsageAsync(CancellationToken cancellationToken) => Host.ReadUsageAsync(Id.Vm, cancellationToken);

    public Task<VmExamination> ExamineAsync(CancellationToken cancellationToken) => Host.ExamineVmAsync(Id.Vm, cancellationToken);

    public Task<KernelLogPiece> ReadKernelLogAsync(ulong from, CancellationToken cancellationToken) => Host.ReadKernelLogAsync(Id.Vm, from, cancellationToken);
}
