namespace Watari.Silo.Engine.Vms;

/// <summary>The right to work with a VM: until it ends, the VM's memory stays mapped, whatever becomes of the VM.</summary>
/// <param name="vm">The VM.</param>
/// <param name="reads">Whether its holder reads the VM's memory.</param>
internal sealed class VmLease(GuestVm vm, bool reads) : IAsyncDisposable
{
    private GuestVm? _leased = vm;

    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public GuestVm Vm => _leased ?? throw new ObjectDisposedException(nameof(VmLease));

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _leased, null) is { } leased) await leased.ReleaseAsync(reads);
    }
}
