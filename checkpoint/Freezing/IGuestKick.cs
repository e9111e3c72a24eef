namespace Watari.Checkpoint.Freezing;

/// <summary>
/// Makes some harmless interrupt reach the guest (a press of the shift key, say), so that an idle processor looks at its
/// work now and not when its next timer is due. Implemented by whoever talks to the hypervisor; without it, work takes
/// up to a second on an idle guest.
/// </summary>
public interface IGuestKick
{
    void Kick();
}
