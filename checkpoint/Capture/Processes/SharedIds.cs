using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>Numbers for kernel objects that processes may share, from 1.</summary>
internal sealed class SharedIds
{
    private readonly Dictionary<GuestVirtualAddress, uint> ids = [];

    public uint Of(GuestVirtualAddress address)
    {
        if (!ids.TryGetValue(address, out uint id))
        {
            id = (uint)ids.Count + 1;
            ids.Add(address, id);
        }
        return id;
    }
}
