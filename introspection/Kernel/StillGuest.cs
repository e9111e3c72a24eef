namespace Watari.Introspection.Kernel;

/// <summary>
/// Proof that a guest stands still: held while its CPUs are paused, and asked for by everything that must not see a torn view.
/// A live view (<see cref="GuestKernel"/> alone) may tear.
/// </summary>
public sealed class StillGuest : IDisposable
{
    private readonly GuestKernel _kernel;
    private readonly IVcpuControl _cpus;
    private bool _running;

    private StillGuest(GuestKernel kernel, IVcpuControl cpus)
    {
        _kernel = kernel;
        _cpus = cpus;
    }

    /// <summary>The kernel, as it stands.</summary>
    /// <exception cref="ObjectDisposedException">The guest runs again.</exception>
    public GuestKernel Kernel
    {
        get
        {
            ObjectDisposedException.ThrowIf(_running, this);
            return _kernel;
        }
    }

    /// <summary>Pauses the guest's CPUs until the result is disposed.</summary>
    public static StillGuest Pause(GuestKernel kernel, IVcpuControl cpus)
    {
        cpus.Pause();
        kernel.AddressSpace.ForgetTranslations(); // what the guest unmapped while it ran
        return new StillGuest(kernel, cpus);
    }

    public void Dispose()
    {
        if (_running) return;
        _running = true;
        _cpus.Resume();
    }
}
