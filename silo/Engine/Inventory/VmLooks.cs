using Watari.Disk;
using Watari.Disk.Images;
using Watari.GrainInterfaces.Model;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Inventory;

/// <summary>
/// Opens what the VMs of this host keep: their files and containers, on disk and in memory.
/// <code>
/// IReadOnlyList&lt;FoundContainer&gt; found = await looks.TakeAsync(vm, look => look.Inventory().Containers, cancellationToken);
/// </code>
/// </summary>
internal sealed class VmLooks(string host, OpenVms vms, EngineThreads threads, LookGate gate)
{
    private int _servers;

    /// <summary>How long one look lasts, unless it is given more: less than a caller's patience with the whole host.</summary>
    public static TimeSpan Most { get; } = TimeSpan.FromSeconds(12);

    /// <summary>One look, on one of the engine's threads, in one lease of the VM; all that it opened is closed after it. It waits for other looks at the VM.</summary>
    /// <param name="most">How long it lasts; null is <see cref="Most"/>.</param>
    /// <exception cref="EngineException">The VM is unknown, nothing of it can be read, or it is looked at all the time.</exception>
    public async Task<T> TakeAsync<T>(string vm, Func<VmLook, T> look, CancellationToken cancellationToken, TimeSpan? most = null)
    {
        var watch = new LookWatch();
        await using VmLook open = await OpenAsync(vm, watch, WatchedAsync, cancellationToken);
        return await Failures.ExplainAsync(vm, () => WatchedAsync(() => look(open)));

        Task<TResult> WatchedAsync<TResult>(Func<TResult> work) => gate.RunAsync(
            vm,
            () =>
            {
                watch.Begin(most ?? Most, cancellationToken);
                return work();
            },
            cancellationToken);
    }

    /// <summary>A look for a step, which waits for no other looks and has the time that the step has. It lasts until it is disposed, and the VM is leased as long.</summary>
    /// <exception cref="EngineException">The VM is unknown, or nothing of it can be read.</exception>
    public Task<VmLook> OpenAsync(string vm, CancellationToken cancellationToken) =>
        OpenAsync(vm, new LookWatch(), open => threads.RunAsync(open, cancellationToken), cancellationToken);

    private async Task<VmLook> OpenAsync(string vm, LookWatch watch, Func<Func<VmLook>, Task<VmLook>> run, CancellationToken cancellationToken)
    {
        VmLease lease;
        try
        {
            lease = await vms.LeaseAsync(vm, cancellationToken);
        }
        catch (EngineException e) when (OpenVms.IsOff(e) && vms.StoredDiskOf(vm) is { } disk)
        {
            return await OpenStoredAsync(vm, disk, watch, run, cancellationToken);
        }

        try
        {
            return await Failures.ExplainAsync(vm, () => OpenRunningAsync(lease, watch, run, cancellationToken));
        }
        catch
        {
            await lease.DisposeAsync();
            throw;
        }
    }

    private async Task<VmLook> OpenRunningAsync(VmLease lease, LookWatch watch, Func<Func<VmLook>, Task<VmLook>> run, CancellationToken cancellationToken)
    {
        GuestVm guest = lease.Vm;
        List<string> notes = [];
        DiskExport? export = null;
        try
        {
            export = await guest.Disks.ExportAsync(cancellationToken);
        }
        catch (HypervisorException e)
        {
            notes.Add($"its disks cannot be read, so that only what runs is found: {e.Message}");
        }

        return await run(() =>
        {
            (GuestKernel? kernel, EngineException? why) = KernelOf(guest, notes);
            var disks = VmLookDisks.Connect(export is null ? [] : export.Disks.Select(disk => (export.SocketPath, disk.NodeName)), watch, notes);
            if (kernel is null && disks.Volumes.Count == 0)
            {
                disks.Dispose();
                throw why!;
            }

            return new VmLook(new VmId(host, guest.Name), disks, watch, kernel, guest.Fate is not null, notes, lease);
        });
    }

    private async Task<VmLook> OpenStoredAsync(string vm, string disk, LookWatch watch, Func<Func<VmLook>, Task<VmLook>> run, CancellationToken cancellationToken)
    {
        string socket = Path.Combine(Path.GetDirectoryName(disk)!, $"disk-{Interlocked.Increment(ref _servers)}.sock");
        DiskFileServer server = await Failures.ExplainAsync(vm, () => DiskFileServer.StartAsync(disk, "qcow2", socket, cancellationToken));
        try
        {
            List<string> notes = ["it is off: what was in its memory alone is gone, and other disks than its first are not known"];
            return await Failures.ExplainAsync(vm, () => run(() => new VmLook(
                new VmId(host, vm), VmLookDisks.Connect([(server.SocketPath, DiskFileServer.ExportName)], watch, notes), watch, kernel: null, nothingRuns: true, notes, server)));
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>The kernel that runs, or that a dead guest has left in its memory; null with the reason, which becomes a note, where there is none to be read.</summary>
    private static (GuestKernel? Kernel, EngineException? Why) KernelOf(GuestVm guest, List<string> notes)
    {
        try
        {
            if (guest.Fate != VmStatus.Panicked) return (guest.Kernel(), null);
            GuestKernel left = guest.KernelLeft();
            notes.Add("its kernel has panicked: nothing of it runs");
            return (left, null);
        }
        catch (EngineException e)
        {
            notes.Add($"only its disk can be read, as of its last commit: {e.Message}");
            return (null, e);
        }
    }
}

/// <summary>The volumes of a VM's disks, over connections of one look's own.</summary>
internal sealed class VmLookDisks : IDisposable
{
    private readonly List<NbdDiskImage> _disks = [];
    private readonly List<Volume> _volumes = [];

    private VmLookDisks()
    {
    }

    public IReadOnlyList<Volume> Volumes => _volumes;

    /// <summary>A disk that cannot be read keeps no other from being read. Blocks: for the engine's threads.</summary>
    /// <param name="exports">Each disk's server and its name there.</param>
    /// <param name="watch">Ends each read of them.</param>
    /// <param name="notes">Is told of those that cannot be read.</param>
    public static VmLookDisks Connect(IEnumerable<(string SocketPath, string Export)> exports, LookWatch watch, List<string> notes)
    {
        var connected = new VmLookDisks();
        try
        {
            foreach ((string socket, string export) in exports) connected.Connect(socket, export, watch, notes);
            return connected;
        }
        catch
        {
            connected.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (NbdDiskImage disk in _disks) disk.Dispose();
    }

    private void Connect(string socket, string export, LookWatch watch, List<string> notes)
    {
        try
        {
            var disk = NbdDiskImage.Connect(socket, export);
            _disks.Add(disk);
            _volumes.AddRange(Disk.Images.Volumes.Of(new WatchedDisk(disk, watch)));
        }
        catch (DiskException e)
        {
            notes.Add($"its disk {export} cannot be read: {e.Message}");
        }
    }
}
