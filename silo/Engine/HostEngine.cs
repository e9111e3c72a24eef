using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Options;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;
using Watari.Hypervisor;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Controls;
using Watari.Silo.Engine.Doctor;
using Watari.Silo.Engine.Events;
using Watari.Silo.Engine.Execs;
using Watari.Silo.Engine.Files;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Migration;
using Watari.Silo.Engine.Restores;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;
using TransferStatistics = Watari.GrainInterfaces.Model.TransferStatistics;

namespace Watari.Silo.Engine;

/// <summary>The data plane of this host: finds its VMs, looks into them, and does its half of each migration.</summary>
internal sealed class HostEngine : IHostEngine, IAsyncDisposable
{
    private static readonly string s_version = typeof(HostEngine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>Less than a caller's patience with the whole host.</summary>
    private static readonly TimeSpan s_listing = TimeSpan.FromSeconds(3);

    private readonly string _host;
    private readonly OpenVms _vms;
    private readonly EngineThreads _threads = new(Math.Max(3, Environment.ProcessorCount - 1)); // one for looks, one for glances, one for steps, at least
    private readonly LookGate _glances;
    private readonly VmLooks _looks;
    private readonly StepLedger _ledger;
    private readonly SourceSide _source;
    private readonly DestinationSide _destination;
    private readonly CheckpointMaker _checkpoints;
    private readonly ArchiveRestorer _restores;
    private readonly ContainerControl _control;
    private readonly ContainerStop _stop;
    private readonly ContainerWatch _watch;

    public HostEngine(IOptions<HostEngineOptions> options, TimeProvider time)
    {
        HostEngineOptions settings = options.Value;
        _host = settings.Host;
        _ledger = new StepLedger(time);
        _vms = new OpenVms(settings.VmDirectory);
        // Looks into memory alone are soon done, and do not wait for those into files.
        int most = (_threads.Count - 1) / 2;
        _glances = new LookGate(_threads, most);
        _looks = new VmLooks(_host, _vms, _threads, new LookGate(_threads, most));
        Files = new ContainerFiles(_looks, time);
        Commands = new ContainerCommands(_vms, _looks, time);
        var receiver = new PageReceiver(settings.TransferListen);
        _source = new SourceSide(_looks, _threads, time);
        _checkpoints = new CheckpointMaker(_looks, _threads, time);
        _restores = new ArchiveRestorer(_threads, time);
        _control = new ContainerControl(_threads, time);
        _stop = new ContainerStop(_looks, time);
        _watch = new ContainerWatch(_host, _vms, _looks, _threads, time);
        _destination = new DestinationSide(receiver, settings.TransferHost ?? receiver.EndPoint.Address.ToString(), _threads, time);
    }

    public IContainerFiles Files { get; }

    public IContainerCommands Commands { get; }

    public Task<HostDescription> DescribeHostAsync(CancellationToken cancellationToken)
    {
        double load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        return Task.FromResult(new HostDescription(
            _host, Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, load, _vms.Names.Count, s_version));
    }

    public IReadOnlyList<string> VmNames => _vms.Names;

    public async Task<IReadOnlyList<VmDescription>> ListVmsAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(_vms.Names.Select(name => DescribeSoonAsync(name, cancellationToken)));

    public Task<Listing<ContainerDescription>> ListContainersAsync(string vm, bool withSizes, CancellationToken cancellationToken) =>
        _looks.TakeAsync(vm, look => ContainerList.Describe(look, withSizes), cancellationToken);

    public Task<Listing<ImageDescription>> ListImagesAsync(string vm, CancellationToken cancellationToken) => _looks.TakeAsync(vm, ImageList.Describe, cancellationToken);

    public async Task<IReadOnlyList<ProcessDescription>> ListProcessesAsync(string vm, string container, CancellationToken cancellationToken)
    {
        await using VmLease lease = await _vms.LeaseAsync(vm, cancellationToken);
        GuestVm guest = lease.Vm;
        return await Failures.ExplainAsync(vm, () => _glances.RunAsync(vm, () => ContainerProcesses.Describe(Containers.Find(guest, container)), cancellationToken));
    }

    public async Task<UsageSample> ReadUsageAsync(string vm, CancellationToken cancellationToken)
    {
        await using VmLease lease = await _vms.LeaseAsync(vm, cancellationToken);
        GuestVm guest = lease.Vm;
        return await Failures.ExplainAsync(
            vm, () => _glances.RunAsync(vm, () => LiveView.Look(guest.Kernel(), look => ContainerUsages.Read(look, new VmId(_host, vm))), cancellationToken));
    }

    public async Task<VmExamination> ExamineVmAsync(string vm, CancellationToken cancellationToken)
    {
        try
        {
            await using VmLease lease = await _vms.LeaseAsync(vm, cancellationToken);
            var examiner = new VmExaminer(lease.Vm, _glances);
            return new VmExamination(new VmId(_host, vm), await Failures.ExplainAsync(vm, () => examiner.ExamineAsync(cancellationToken)));
        }
        catch (EngineException e) when (e.Kind == FailureKind.VmLost)
        {
            return new VmExamination(new VmId(_host, vm), VmExaminer.Unattached(e));
        }
    }

    public async Task<KernelLogPiece> ReadKernelLogAsync(string vm, ulong from, CancellationToken cancellationToken)
    {
        await using VmLease lease = await _vms.LeaseAsync(vm, cancellationToken);
        GuestVm guest = lease.Vm;
        return await Failures.ExplainAsync(
            vm, () => _glances.RunAsync(vm, () => LiveView.Look(guest.KernelLeft(), look => KernelLogs.Read(look, from)), cancellationToken));
    }

    public Task<SourcePlan> PlanSourceAsync(StepKey key, string vm, WorkloadId workload, Freezer freezer, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _source.PlanAsync(key, guest, new VmId(_host, vm), workload, freezer, stop), cancellationToken);

    public Task CheckDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => DestinationSide.CheckAsync(guest, requirements, stop), cancellationToken);

    public Task<TransferTarget> PrepareDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken)
    {
        _watch.Begin(vm, requirements.Workload);
        return StepAsync(key, vm, (guest, stop) => _destination.PrepareAsync(key, guest, requirements, stop), cancellationToken);
    }

    public Task<EngineReport> CopyVolumesAsync(
        StepKey key, string vm, WorkloadId workload, SourceTasks tasks, TransferTarget target, int streams, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _source.CopyVolumesAsync(key, guest, tasks, target, streams, stop), cancellationToken);

    public Task<EngineReport> FillVolumesAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _destination.FillVolumesAsync(key, guest, stop), cancellationToken);

    public Task<EngineReport> FreezeAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken)
    {
        _watch.Begin(vm, workload);
        return StepAsync(key, vm, (guest, stop) => _source.FreezeAsync(key, guest, workload, tasks, stop), cancellationToken);
    }

    public Task<EngineReport> CaptureAsync(
        StepKey key, string vm, WorkloadId workload, TransferTarget target, int streams, MemoryMode memory, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _source.CaptureAsync(key, guest, target, streams, memory, stop), cancellationToken);

    public Task<EngineReport> RestoreAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _destination.RestoreAsync(key, guest, workload, stop), cancellationToken);

    public Task<EngineReport> ThawDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        ToldAsync(key, vm, workload, ContainerEventKind.Migrate, StepAsync(key, vm, (guest, stop) => _destination.ThawAsync(key, guest, stop), cancellationToken, _destination.Forget));

    public Task<EngineReport> RetireSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, bool keep, CancellationToken cancellationToken) =>
        ToldAsync(key, vm, workload, ContainerEventKind.Migrate, StepAsync(key, vm, (guest, stop) => _source.RetireAsync(key, guest, workload, tasks, keep, stop), cancellationToken, _source.Forget));

    public Task RollBackSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken) =>
        ToldAsync(key, vm, workload, null, StepAsync(key, vm, (guest, stop) => _source.RollBackAsync(key, guest, workload, tasks, stop), cancellationToken, _source.Forget));

    public Task RollBackDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken) =>
        ToldAsync(key, vm, workload, null, StepAsync(key, vm, (guest, stop) => DestinationSide.RollBackAsync(key, guest, stop), cancellationToken, _destination.Forget));

    public async Task<EngineReport> CheckpointAsync(StepKey key, string vm, WorkloadId workload, CheckpointOptions options, CancellationToken cancellationToken)
    {
        _watch.Begin(vm, workload);
        try
        {
            return await ToldAsync(
                key, vm, workload, ContainerEventKind.Checkpoint, StepAsync(key, vm, (guest, stop) => _checkpoints.SaveAsync(key, guest, workload, options, stop), cancellationToken));
        }
        catch
        {
            _watch.End(vm, workload.Container, null, key.Job);
            throw;
        }
    }

    public async Task<EngineReport> RestoreArchiveAsync(StepKey key, string vm, ArchiveRestore options, Func<long, long> promise, CancellationToken cancellationToken)
    {
        EngineReport report = await StepAsync(key, vm, (guest, stop) => _restores.RestoreAsync(key, guest, options, promise, stop), cancellationToken);
        _watch.End(vm, report.Container, ContainerEventKind.Restore, key.Job);
        return report;
    }

    public Task<EngineReport> PauseAsync(StepKey key, string vm, WorkloadId workload, Actor by, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _control.PauseAsync(key, guest, workload, by, stop), cancellationToken);

    public Task<EngineReport> UnpauseAsync(StepKey key, string vm, WorkloadId workload, Actor by, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _control.UnpauseAsync(key, guest, workload, by, stop), cancellationToken);

    public Task<EngineReport> KillAsync(StepKey key, string vm, WorkloadId workload, Signal signal, Actor by, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _control.KillAsync(key, guest, workload, signal, by, stop), cancellationToken);

    public Task<EngineReport> StopAsync(StepKey key, string vm, WorkloadId workload, StopOptions options, CancellationToken cancellationToken) =>
        StepAsync(key, vm, (guest, stop) => _stop.StopAsync(key, guest, workload, options, stop), cancellationToken);

    public Task<EventsPiece> ReadEventsAsync(EventsPlace? from, DateTimeOffset? since, CancellationToken cancellationToken) => _watch.ReadAsync(from, since, cancellationToken);

    public TransferStatistics? TransferProgress(string job) => _source.ProgressOf(job) ?? _destination.ProgressOf(job);

    /// <summary>Names of VMs that may stand still because an earlier silo died while it held them.</summary>
    public IEnumerable<string> AbandonedVms => _vms.Abandoned;

    /// <summary>Attaches to a VM, whereby it goes on if it was abandoned.</summary>
    /// <exception cref="EngineException">There is no such VM, or it cannot be attached to.</exception>
    public async Task AttachAsync(string vm, CancellationToken cancellationToken) => await (await _vms.LeaseAsync(vm, cancellationToken)).DisposeAsync();

    /// <summary>How RAM is reached, as <see cref="VmDescription.Ram"/> says it.</summary>
    internal static string NameOf(RamAccess access) => access switch
    {
        RamAccess.Memfd => "memfd",
        RamAccess.SharedFile => "shared file",
        _ => "process memory",
    };

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        // What the threads still read must be there until they have ended.
        _threads.Dispose();
        _destination.Dispose();
        await _vms.DisposeAsync();
    }

    /// <summary>Whoever asks for events hears what has come of a step.</summary>
    private async Task<T> ToldAsync<T>(StepKey key, string vm, WorkloadId workload, ContainerEventKind? kind, Task<T> step)
    {
        try
        {
            T result = await step;
            _watch.End(vm, workload.Container, kind, key.Job);
            return result;
        }
        catch (EngineException e) when (e.Kind == FailureKind.WorkloadLost)
        {
            _watch.End(vm, workload.Container, null, key.Job); // its end is an event like any other
            throw;
        }
    }

    /// <param name="key">The step.</param>
    /// <param name="vm">The VM that it is about.</param>
    /// <param name="step">Its work, and what stops it: the caller's token, and the end of the VM.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <param name="forget">Lets go of what the job holds on this host, for its last step here: before it, so that a VM that is gone keeps nothing.</param>
    private Task<T> StepAsync<T>(
        StepKey key, string vm, Func<GuestVm, CancellationToken, Task<T>> step, CancellationToken cancellationToken, Action<string>? forget = null) =>
        _ledger.OnceAsync(key, () =>
        {
            forget?.Invoke(key.Job);
            return _vms.WorkAsync(vm, step, cancellationToken);
        });

    private Task<bool> StepAsync(
        StepKey key, string vm, Func<GuestVm, CancellationToken, Task> step, CancellationToken cancellationToken, Action<string>? forget = null) =>
        StepAsync(
            key,
            vm,
            async (guest, stop) =>
            {
                await step(guest, stop);
                return true;
            },
            cancellationToken,
            forget);

    /// <summary>A VM that hangs must not keep the others from being listed; what was begun goes on, so that the next listing may find it done.</summary>
    private async Task<VmDescription> DescribeSoonAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await DescribeVmAsync(name, cancellationToken).WaitAsync(s_listing, cancellationToken);
        }
        catch (TimeoutException)
        {
            return Unseen(name, VmStatus.Unreachable, $"VM '{name}' has not answered within {s_listing.TotalSeconds:0} s.");
        }
    }

    private async Task<VmDescription> DescribeVmAsync(string name, CancellationToken cancellationToken)
    {
        var id = new VmId(_host, name);
        try
        {
            await using VmLease lease = await _vms.LeaseAsync(name, cancellationToken);
            GuestVm guest = lease.Vm;
            VmStatus status = await guest.StatusAsync(cancellationToken);
            MachineDescription machine = await guest.MachineAsync(cancellationToken);
            string? release = null;
            int containers = 0;
            string? problem = null;
            try
            {
                GuestKernel kernel = await _glances.RunAsync(name, guest.Kernel, cancellationToken);
                release = kernel.Release;
                containers = await _glances.RunAsync(name, () => LiveView.Look(kernel, static look => look.FindContainers().Count), cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Whatever it is, the other VMs are listed.
                problem = (Failures.Explain(name, e) ?? e).Message;
            }

            return new VmDescription(
                id, status, guest.Machine.Ram.Length, machine.VcpuCount, machine.Accelerator.ToString().ToLowerInvariant(), release,
                status == VmStatus.Running ? await guest.AgentVersionAsync(cancellationToken) : null, containers, problem, NameOf(guest.Machine.Ram.Access));
        }
        catch (EngineException e)
        {
            return Unseen(name, OpenVms.IsOff(e) ? VmStatus.Gone : VmStatus.Unreachable, e.Message);
        }
    }

    private VmDescription Unseen(string name, VmStatus status, string problem) => new(new VmId(_host, name), status, 0, 0, "", null, null, 0, problem);
}
