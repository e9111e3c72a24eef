using Watari.Hypervisor;
using Watari.Introspection.Kernel;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// Introspection's way to hold a guest still, over the hypervisor's monitor. Blocking, for the engine's own threads; pauses nest.
/// </summary>
internal sealed class QmpVcpuControl(VirtualMachine machine) : IVcpuControl
{
    private readonly Lock _gate = new();
    private readonly Stack<PausedVm> _holds = new();

    public void Pause()
    {
        PausedVm hold = machine.Hold();
        lock (_gate) _holds.Push(hold);
    }

    public void Resume()
    {
        PausedVm? hold;
        lock (_gate) _holds.TryPop(out hold);
        hold?.Dispose();
    }
}
