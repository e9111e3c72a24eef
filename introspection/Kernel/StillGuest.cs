using Watari.Introspection.Time;

namespace Watari.Introspection.Kernel;

/// <summary>
/// Proof that a guest stands still: held while its CPUs are paused, and asked for by everything that must not see a torn view.
/// A live view (<see cref="GuestKernel"/> alone) may tear.
/// </summary>
public sealed class StillGuest : IDisposable
{
    private const int MostLooks = 20; // somebody else may hold it there, or its memory is damaged: whoever reads the clocks will say so

    /// <summary>How long it is waited for the end of the update; it takes microseconds of a guest that runs.</summary>
    private static readonly TimeSpan s_longestUpdate = TimeSpan.FromMilliseconds(50);

    private readonly GuestKernel _kernel;
    private readonly IVcpuControl _cpus;
    private bool _running;

    private StillGuest(GuestKernel kernel, IVcpuControl cpus)
    {
        _kernel = kernel.BeginLook();
        _cpus = cpus;
    }

    /// <summary>The kernel, as it stands: for one look, which lasts as long as the guest stands still.</summary>
    /// <exception cref="ObjectDisposedException">The guest runs again.</exception>
    public GuestKernel Kernel
    {
        get
        {
            ObjectDisposedException.ThrowIf(_running, this);
            return _kernel;
        }
    }

    /// <summary>
    /// Pauses the guest's CPUs until the result is disposed. A guest that is met while it changes its clocks, which then cannot be read
    /// for as long as it stands, goes on for a moment first.
    /// </summary>
    public static StillGuest Pause(GuestKernel kernel, IVcpuControl cpus)
    {
        for (int look = 1; ; look++)
        {
            cpus.Pause();
            try
            {
                kernel.Refresh();
                if (look == MostLooks || !GuestClocks.AreBeingChanged(kernel)) return new StillGuest(kernel, cpus);
            }
            catch
            {
                cpus.Resume();
                throw;
            }

            cpus.Resume();
            SpinWait.SpinUntil(
                () =>
                {
                    kernel.Refresh();
                    return !GuestClocks.AreBeingChanged(kernel);
                },
                s_longestUpdate);
        }
    }

    public void Dispose()
    {
        if (_running) return;
        _running = true;
        _cpus.Resume();
        _kernel.Refresh(); // what is seen from here on is not what stood still
    }
}
