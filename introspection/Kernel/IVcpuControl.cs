using System.Diagnostics.CodeAnalysis;

namespace Watari.Introspection.Kernel;

/// <summary>Stops and starts a guest's CPUs. Implemented by whoever talks to its hypervisor.</summary>
public interface IVcpuControl
{
    /// <summary>Returns when no CPU of the guest runs any more.</summary>
    void Pause();

    [SuppressMessage("Naming", "CA1716", Justification = "The word that hypervisors use; it is reserved in Visual Basic alone.")]
    void Resume();
}
