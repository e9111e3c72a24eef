using Watari.Checkpoint.Freezing;
using Watari.Hypervisor;

namespace Watari.Silo.Engine.Vms;

/// <summary>Presses the shift key of a VM (HMP <c>sendkey</c>): an interrupt that means nothing to the guest, but wakes an idle processor.</summary>
internal sealed class ShiftKey(VirtualMachine machine) : IGuestKick
{
    public void Kick()
    {
        try
        {
            machine.PressKeyAsync("shift").GetAwaiter().GetResult();
        }
        catch (QmpException)
        {
            // A machine without a keyboard: the work is done when the processor's next timer is due.
        }
    }
}
