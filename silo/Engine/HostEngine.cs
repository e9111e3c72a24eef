using System.Globalization;
using System.Net.Sockets;
using System.Reflection;
using Microsoft.Extensions.Options;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;
using Watari.Introspection.Containers;
using Watari.Silo.Engine.Migration;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;
using TransferStatistics = Watari.GrainInterfaces.Model.TransferStatistics;

namespace Watari.Silo.Engine;

/// <summary>The data plane of this host: finds its VMs, looks into them, and does its half of each migration.</summary>
internal sealed class HostEngine : IHostEngine, IAsyncDisposable
{
    private static readonly string s_version = typeof(HostEngine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    private readonly string _host;
    private readonly OpenVms _vms;
    private readonly EngineThreads _threads = new(Math.Max(2, Environment.ProcessorCount - 1));
    private readonly StepLedger _ledger;
    private readonly SourceSide _source;
    private readonly DestinationSide _destination;

    public HostEngine(IOptions<HostEngineOptions> options, TimeProvider time)
    {
        HostEngineOptions settings = options.Value;
        _host = settings.Host;
        _ledger = new StepLedger(time);
        _vms = new OpenVms(settings.VmDirectory);
        var receiver = new PageReceiver(settings.TransferListen);
        _source = new SourceSide(_threads, time);
        _destination = new DestinationSide(receiver, settings.TransferHost ?? receiver.EndPoint.Address.ToString(), _threads, time);
    }

    public Task<HostDescription> DescribeHostAsync(CancellationToken cancellationToken)
    {
        double load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        return Task.FromResult(new HostDescription(
            _host, Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, load, _vms.Names.Count, s_version));
    }

    public async Task<IReadOnlyList<VmDescription>> ListVmsAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(_vms.Names.Select(name => DescribeVmAsync(name, cancellationToken)));

    public async Task<IReadOnlyList<ContainerDescription>> ListContainersAsync(string vm, CancellationToken cancellationToken)
    {
        await using VmLease lease = await _vms.LeaseAsync(vm, cancellationToken);
        GuestVm guest = lease.Vm;
        return await Failures.ExplainAsync(vm, () => _threads.RunAsync(() => Containers.Describe(guest, new VmId(_host, vm)), cancellationToken));
    }

    public Task<SourcePlan> PlanSourceAsync(StepKey key, string vm, WorkloadId workload, Freezer freezer, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _source.PlanAsync(key, guest, new VmId(_host, vm), workload, freezer, cancellationToken), cancellationToken);

    public Task CheckDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => DestinationSide.CheckAsync(guest, requirements, cancellationToken), cancellationToken);

    public Task<TransferTarget> PrepareDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _destination.PrepareAsync(key, guest, requirements, cancellationToken), cancellationToken);

    public Task<EngineReport> FreezeAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _source.FreezeAsync(key, guest, workload, tasks, cancellationToken), cancellationToken);

    public Task<EngineReport> CaptureAsync(
        StepKey key, string vm, WorkloadId workload, TransferTarget target, int streams, MemoryMode memory, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _source.CaptureAsync(key, guest, target, streams, memory, cancellationToken), cancellationToken);

    public Task<EngineReport> RestoreAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _destination.RestoreAsync(key, guest, workload, cancellationToken), cancellationToken);

    public Task<EngineReport> ThawDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _destination.ThawAsync(key, guest, cancellationToken), cancellationToken);

    public Task RetireSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _source.RetireAsync(key, guest, workload, tasks, cancellationToken), cancellationToken);

    public Task RollBackSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _source.RollBackAsync(key, guest, workload, tasks, cancellationToken), cancellationToken);

    public Task RollBackDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _destination.RollBackAsync(key, guest, cancellationToken), cancellationToken);

    public Task<EngineReport> CheckpointAsync(StepKey key, string vm, WorkloadId workload, string directory, bool leaveRunning, CancellationToken cancellationToken) =>
        StepAsync(key, vm, guest => _source.CheckpointAsync(guest, workload, directory, leaveRunning, cancellationToken), cancellationToken);

    public TransferStatistics? TransferProgress(string job) => _source.ProgressOf(job) ?? _destination.ProgressOf(job);

    /// <summary>Names of VMs that may stand still because an earlier silo died while it held them.</summary>
    public IEnumerable<string> AbandonedVms => _vms.Abandoned;

    /// <summary>Attaches to a VM, whereby it goes on if it was abandoned.</summary>
    /// <exception cref="EngineException">There is no such VM, or it cannot be attached to.</exception>
    public async Task AttachAsync(string vm, CancellationToken cancellationToken) => await (await _vms.LeaseAsync(vm, cancellationToken)).DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        _destination.Dispose();
        _threads.Dispose();
        await _vms.DisposeAsync();
    }

    private Task<T> StepAsync<T>(StepKey key, string vm, Func<GuestVm, Task<T>> step, CancellationToken cancellationToken) =>
        _ledger.OnceAsync(key, () => Failures.ExplainAsync(vm, async () =>
        {
            await using VmLease lease = await _vms.LeaseAsync(vm, cancellationToken);
            try
            {
                return await step(lease.Vm);
            }
            catch (AgentLostException)
            {
                await lease.Vm.DropAgentAsync();
                throw;
            }
        }));

    private Task<bool> StepAsync(StepKey key, string vm, Func<GuestVm, Task> step, CancellationToken cancellationToken) =>
        StepAsync(
            key,
            vm,
            async guest =>
            {
                await step(guest);
                return true;
            },
            cancellationToken);

    private async Task<VmDescription> DescribeVmAsync(string name, CancellationToken cancellationToken)
    {
        var id = new VmId(_host, name);
        try
        {
            await using VmLease lease = await _vms.LeaseAsync(name, cancellationToken);
            GuestVm guest = lease.Vm;
            VmStatus status = await guest.StatusAsync(cancellationToken);
            MachineDescription machine = guest.Machine.Machine;
            string? release = null;
            int containers = 0;
            string? problem = null;
            try
            {
                (release, containers) = await _threads.RunAsync(() => (guest.Kernel().Release, guest.Kernel().FindContainers().Count), cancellationToken);
            }
            catch (Exception e) when (e is EngineException or Introspection.IntrospectionException)
            {
                problem = e.Message;
            }

            return new VmDescription(
                id, status, machine.MemorySize, machine.VcpuCount, machine.Accelerator.ToString().ToLowerInvariant(), release,
                status == VmStatus.Running ? await guest.AgentVersionAsync(cancellationToken) : null, containers, problem);
        }
        catch (EngineException e)
        {
            // A socket that nobody listens at is a QEMU that has ended; any other failure leaves open whether the guest runs.
            bool gone = e.InnerException is QmpConnectionException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } };
            return new VmDescription(id, gone ? VmStatus.Gone : VmStatus.Unreachable, 0, 0, "", null, null, 0, e.Message);
        }
    }
}
