namespace Watari.Hypervisor;

/// <summary>A VM that stands still for as long as this lives. It goes on when the last such hold ends, unless it stood still before.</summary>
public sealed class PausedVm : IAsyncDisposable, IDisposable
{
    private VirtualMachine? _vm;

    internal PausedVm(VirtualMachine vm)
    {
        Vm = vm;
        _vm = vm;
    }

    public VirtualMachine Vm { get; }

    /// <summary>Ends the hold.</summary>
    /// <exception cref="QmpException">QEMU refuses to go on: the guest panicked, say. A VM that is gone is no error.</exception>
    /// <exception cref="QmpTimeoutException">QEMU does not answer; it goes on when it wakes.</exception>
    public void Dispose() => Interlocked.Exchange(ref _vm, null)?.EndHold();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));
}
