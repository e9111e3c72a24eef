using System.Collections.Concurrent;
using System.Net.Sockets;
using Watari.GrainInterfaces.Model;
using Watari.Hypervisor;
using Watari.Introspection;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// The VMs of this host, found by their monitor sockets: <c>RUN/HOST/vms/NAME/qmp.sock</c>. One that was asked for stays attached until its
/// monitor is gone, and its memory is let go then, as soon as nobody reads it any more; asked for again, it is looked for anew.
/// </summary>
internal sealed class OpenVms(string runDirectory) : IAsyncDisposable
{
    private const string MonitorSocket = "qmp.sock";
    private const string StoredDisk = "disk.qcow2"; // as the launcher keeps it (VmDirectory.Disk)

    private readonly ConcurrentDictionary<string, OpenVm> _open = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _attaching = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _closing = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Names of all VMs that have a monitor socket here, alive or not, and of those that are off and have left their disk.</summary>
    public IReadOnlyList<string> Names =>
        !Directory.Exists(runDirectory)
            ? []
            : [.. Directory.EnumerateDirectories(runDirectory)
                .Where(directory => File.Exists(Path.Combine(directory, MonitorSocket)) || File.Exists(Path.Combine(directory, StoredDisk)))
                .Select(directory => Path.GetFileName(directory)!)
                .Order(StringComparer.Ordinal)];

    /// <summary>Those of them that may stand still because an earlier silo died while it held them.</summary>
    public IEnumerable<string> Abandoned => Names.Where(name => VirtualMachine.MayBeAbandoned(Path.Combine(runDirectory, name, MonitorSocket)));

    /// <summary>The VM, to work with until the lease is disposed. Nothing of its memory may be read after that.</summary>
    /// <exception cref="EngineException">There is no such VM, or it cannot be attached to.</exception>
    public async Task<VmLease> LeaseAsync(string name, CancellationToken cancellationToken)
    {
        if (TryLease(name) is { } lease) return lease;
        string directory = Path.Combine(runDirectory, name);
        if (Path.GetFileName(name) != name || !File.Exists(Path.Combine(directory, MonitorSocket)))
        {
            if (StoredDiskOf(name) is not null) throw new EngineException(FailureKind.VmLost, $"VM '{name}' is off: no QEMU runs it.", new FileNotFoundException(null, MonitorSocket));

            string known = string.Join(", ", Names);
            throw new EngineException(FailureKind.NotFound, $"There is no VM '{name}' on this host; {(known.Length > 0 ? $"it has {known}." : "it has none.")}");
        }

        // One at a time for each VM: its monitor serves one client. A VM that hangs holds up nobody else's.
        SemaphoreSlim attaching = _attaching.GetOrAdd(name, _ => new SemaphoreSlim(1, 1));
        await attaching.WaitAsync(cancellationToken);
        try
        {
            if (TryLease(name) is { } attached) return attached;
            VmLease ours = await GuestVm.AttachAsync(name, directory, cancellationToken);
            VmLease first = ours.Vm.TryLease()!;
            OpenVm open = _open[name] = new OpenVm(ours.Vm);
            open.Kept = KeepAsync(name, open, ours);
            return first;
        }
        catch (Exception e) when (e is HypervisorException or IntrospectionException)
        {
            throw new EngineException(FailureKind.VmLost, $"VM '{name}' cannot be attached to: {e.Message}", e);
        }
        finally
        {
            attaching.Release();
        }
    }

    /// <summary>Whether what <see cref="LeaseAsync"/> threw says that no QEMU runs the VM; any other failure leaves that open.</summary>
    public static bool IsOff(EngineException failure) =>
        failure.InnerException is FileNotFoundException or QmpConnectionException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } };

    /// <summary>Where the launcher keeps the VM's disk; null where it keeps none, as of a VM that it has not started.</summary>
    public string? StoredDiskOf(string name)
    {
        string disk = Path.Combine(runDirectory, name, StoredDisk);
        return Path.GetFileName(name) == name && File.Exists(disk) ? disk : null;
    }

    /// <summary>Lets go of all VMs; of those that are still leased, with their last lease.</summary>
    public async ValueTask DisposeAsync()
    {
        _closing.TrySetResult();
        await Task.WhenAll(_open.Values.Select(open => open.Kept));
    }

    private VmLease? TryLease(string name) =>
        _open.TryGetValue(name, out OpenVm? open) && !open.Vm.Gone.IsCompleted ? open.Vm.TryLease() : null;

    private async Task KeepAsync(string name, OpenVm open, VmLease lease)
    {
        await using (lease)
        {
            await Task.WhenAny(open.Vm.Gone, _closing.Task);
            _open.TryRemove(KeyValuePair.Create(name, open)); // unless another has taken its place already
        }
    }

    private sealed class OpenVm(GuestVm vm)
    {
        public GuestVm Vm => vm;

        /// <summary>Done when it is no longer kept open here.</summary>
        public Task Kept { get; set; } = Task.CompletedTask;
    }
}
