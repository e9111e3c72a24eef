using Watari.Hypervisor;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// The disks of a VM that runs: exported by its QEMU from the first look at them on, until the VM is let go. Each reader has a connection of
/// its own. A reboot changes nothing of them.
/// </summary>
internal sealed class VmDisks(VirtualMachine machine, string socketPath) : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private DiskExport? _export;

    /// <summary>The export of the disks that the VM has now.</summary>
    /// <exception cref="HypervisorException">QEMU does not answer, or its NBD server belongs to another.</exception>
    public async Task<DiskExport> ExportAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            // Disks come and go, and a snapshot puts another node on top; and anybody at the monitor can end the server.
            IReadOnlyList<VmDisk> disks = await DiskExport.ListDisksAsync(machine.Qmp, cancellationToken);
            if (_export is { } current && current.Disks.SequenceEqual(disks) && File.Exists(socketPath)) return current;
            await EndAsync();
            return _export = await DiskExport.StartAsync(machine.Qmp, socketPath, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await EndAsync();
        }
        catch (HypervisorException)
        {
            // Its QEMU hangs: whoever attaches to it next ends what was left.
        }

        _gate.Dispose();
    }

    private async ValueTask EndAsync()
    {
        if (Interlocked.Exchange(ref _export, null) is { } ended) await ended.DisposeAsync();
    }
}
