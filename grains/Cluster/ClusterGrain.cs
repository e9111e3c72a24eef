using Orleans.Concurrency;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Grains.Hosts;

namespace Watari.Grains.Cluster;

/// <inheritdoc cref="IClusterGrain"/>
[GrainType("cluster"), StatelessWorker, Reentrant]
internal sealed class ClusterGrain(IClusterMembershipService membership, ISiloMetadataCache metadata, TimeProvider time) : Grain, IClusterGrain
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<ImmutableArray<HostDescription>> ListHostsAsync(CancellationToken cancellationToken)
    {
        var answers = await AskAsync(Hosts(), host => GrainFactory.GetGrain<IHostGrain>(host).DescribeAsync(cancellationToken));
        return [.. answers.Select(a => a.Answer ?? new HostDescription(a.Asked, 0, 0, 0, 0, "", a.Problem))];
    }

    public async Task<Listing<VmDescription>> ListVmsAsync(CancellationToken cancellationToken)
    {
        var answers = await AskAsync(Hosts(), host => GrainFactory.GetGrain<IHostGrain>(host).ListVmsAsync(cancellationToken));
        return new Listing<VmDescription>(
            [.. answers.Where(a => a.Problem is null).SelectMany(a => a.Answer).OrderBy(vm => vm.Id.ToString(), StringComparer.Ordinal)],
            [.. answers.Where(a => a.Problem is not null).Select(a => $"host {a.Asked}: {a.Problem}")]);
    }

    public async Task<Listing<ContainerDescription>> ListContainersAsync(string? vm, bool withSizes, CancellationToken cancellationToken)
    {
        Listing<ContainerDescription> found = await ListInVmsAsync(
            vm, machine => machine.ListContainersAsync(withSizes, cancellationToken), "containers", container => container.Characters(), container => container.Shortened(), cancellationToken);
        return found with { Items = [.. found.Items.OrderBy(c => c.Vm.ToString(), StringComparer.Ordinal)] }; // each VM's stay in its order
    }

    public Task<Listing<ImageDescription>> ListImagesAsync(string? vm, CancellationToken cancellationToken) =>
        ListInVmsAsync(vm, machine => machine.ListImagesAsync(cancellationToken), "images", image => image.Characters(), image => image, cancellationToken);

    public async Task<VmId> ResolveVmAsync(string name, CancellationToken cancellationToken) =>
        Names.ResolveVm(name, await ListVmIdsAsync(cancellationToken), Hosts());

    public async Task<ContainerDescription> ResolveContainerAsync(string name, string? vm, CancellationToken cancellationToken) =>
        Names.ResolveContainer(name, vm, await ListContainersAsync(vm, withSizes: false, cancellationToken));

    public async Task<ContainerDescription> ResolveRunningContainerAsync(string name, string? vm, CancellationToken cancellationToken) =>
        Names.ResolveRunningContainer(name, vm, await ListContainersAsync(vm, withSizes: false, cancellationToken));

    public async Task<ImmutableArray<JobSummary>> ListJobsAsync(CancellationToken cancellationToken)
    {
        IJobIndexGrain index = GrainFactory.GetGrain<IJobIndexGrain>(0);
        ImmutableArray<JobSummary> listed = await index.ListAsync();
        var answers = await AskAsync(listed.Where(j => j.Ended is null), job => GrainFactory.GetGrain<IMigrationGrain>(job.Id).GetAsync());
        Dictionary<string, JobSummary> current = answers.Where(a => a.Answer is not null).ToDictionary(a => a.Asked.Id, a => JobSummary.Of(a.Answer!));
        foreach (var (asked, job, problem) in answers)
        {
            // Its line was written and the job was not: the client has been told that it does not exist.
            if (job is null && problem is null && time.GetUtcNow() - asked.Created > TimeSpan.FromMinutes(2)) await index.RemoveAsync(asked.Id);
        }

        return [.. listed.Select(j => current.GetValueOrDefault(j.Id, j)).OrderByDescending(j => j.Created)];
    }

    /// <summary>What one VM has, or all have; a VM that cannot be looked into is a problem, unless it alone was asked for.</summary>
    /// <remarks>See <see cref="MergedListing"/>.</remarks>
    private async Task<Listing<T>> ListInVmsAsync<T>(
        string? vm, Func<IVmGrain, Task<Listing<T>>> list, string kind, Func<T, long> sizeOf, Func<T, T> shorten, CancellationToken cancellationToken)
    {
        if (vm is not null) return await list(GrainFactory.GetGrain<IVmGrain>((await ResolveVmAsync(vm, cancellationToken)).ToString()));
        Listing<VmId> vms = await ListVmIdsAsync(cancellationToken);
        var answers = await AskAsync(vms.Items, id => list(GrainFactory.GetGrain<IVmGrain>(id.ToString())));
        Listing<T> merged = MergedListing.Of([.. answers.Where(a => a.Problem is null).Select(a => (a.Asked, a.Answer!))], kind, sizeOf, shorten);
        return merged with { Problems = [.. vms.Problems, .. answers.Where(a => a.Problem is not null).Select(a => $"{a.Asked}: {a.Problem}"), .. merged.Problems] };
    }

    /// <summary>Which VMs there are. None is asked what it is, which takes as long as an agent that is not there.</summary>
    private async Task<Listing<VmId>> ListVmIdsAsync(CancellationToken cancellationToken)
    {
        var answers = await AskAsync(Hosts(), host => GrainFactory.GetGrain<IHostGrain>(host).ListVmNamesAsync(cancellationToken));
        return new Listing<VmId>(
            [.. answers.Where(a => a.Problem is null).SelectMany(a => a.Answer.Select(name => new VmId(a.Asked, name))).OrderBy(id => id.ToString(), StringComparer.Ordinal)],
            [.. answers.Where(a => a.Problem is not null).Select(a => $"host {a.Asked}: {a.Problem}")]);
    }

    /// <summary>Names of the hosts that have a live silo.</summary>
    private IReadOnlyList<string> Hosts() =>
    [
        .. membership.CurrentSnapshot.Members.Values
            .Where(member => member.Status == SiloStatus.Active)
            .Select(member => metadata.GetSiloMetadata(member.SiloAddress).Metadata.GetValueOrDefault(HostPinnedDirector.MetadataKey))
            .OfType<string>()
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Asks all at once; who fails or is slow has a problem instead of an answer, and keeps nobody else from answering.</summary>
    private static async Task<(TKey Asked, T? Answer, string? Problem)[]> AskAsync<TKey, T>(IEnumerable<TKey> keys, Func<TKey, Task<T>> ask) =>
        await Task.WhenAll(keys.Select(async key =>
        {
            try
            {
                return (key, await ask(key).WaitAsync(Patience), (string?)null);
            }
            catch (Exception e) when (e is EngineException or OrleansException)
            {
                return (key, default(T), e.Message);
            }
            catch (TimeoutException)
            {
                return (key, default(T), $"no answer within {Patience.TotalSeconds:0} s");
            }
        }));
}
