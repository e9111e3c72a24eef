using Orleans.Concurrency;
using Orleans.Placement;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Hosts;

/// <inheritdoc cref="IHostGrain"/>
[GrainType("host"), HostPinned, Immovable, Reentrant]
internal sealed class HostGrain(HostCommands commands) : Grain, IHostGrain
{
    public Task<HostDescription> DescribeAsync(CancellationToken cancellationToken) => commands.Engine.DescribeHostAsync(cancellationToken);

    public async Task<ImmutableArray<VmDescription>> ListVmsAsync(CancellationToken cancellationToken) =>
        [.. await commands.Engine.ListVmsAsync(cancellationToken)];

    public Task<ImmutableArray<string>> ListVmNamesAsync(CancellationToken cancellationToken) => Task.FromResult<ImmutableArray<string>>([.. commands.Engine.VmNames]);

    public Task<Listing<ContainerDescription>> ListContainersAsync(string vm, bool withSizes, CancellationToken cancellationToken) =>
        commands.Engine.ListContainersAsync(vm, withSizes, cancellationToken);

    public Task<Listing<ImageDescription>> ListImagesAsync(string vm, CancellationToken cancellationToken) => commands.Engine.ListImagesAsync(vm, cancellationToken);

    public async Task<ImmutableArray<ProcessDescription>> ListProcessesAsync(string vm, string container, CancellationToken cancellationToken) =>
        [.. await commands.Engine.ListProcessesAsync(vm, container, cancellationToken)];

    public Task<UsageSample> ReadUsageAsync(string vm, CancellationToken cancellationToken) => commands.Engine.ReadUsageAsync(vm, cancellationToken);

    public Task<VmExamination> ExamineVmAsync(string vm, CancellationToken cancellationToken) => commands.Engine.ExamineVmAsync(vm, cancellationToken);

    public Task<KernelLogPiece> ReadKernelLogAsync(string vm, ulong from, CancellationToken cancellationToken) => commands.Engine.ReadKernelLogAsync(vm, from, cancellationToken);

    public Task<StepAnswer> ExecuteAsync(EngineCommand command, TimeSpan patience) => commands.ExecuteAsync(command, patience);

    public Task<StepAnswer?> FollowAsync(StepKey key, TimeSpan patience) => commands.FollowAsync(key, patience);
}
