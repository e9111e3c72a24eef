namespace Watari.Placement;

/// <summary>What a container needs of a VM.</summary>
/// <param name="MemoryBytes">Resident memory that it brings along.</param>
public readonly record struct Demand(long MemoryBytes);

/// <summary>What a VM offers.</summary>
/// <param name="Status">The VM's state in words, for the message.</param>
/// <param name="HasAgent">A guest agent answers in it.</param>
/// <param name="MemoryBytes">All of its memory.</param>
/// <param name="ReservedBytes">What of it is promised to containers on their way into it.</param>
public readonly record struct Offer(bool IsRunning, string Status, bool HasAgent, long MemoryBytes, long ReservedBytes = 0);

/// <summary>Whether a VM can take a container.</summary>
public static class Fit
{
    /// <returns>Each thing that stands against it, with what to do; empty where nothing does.</returns>
    public static IReadOnlyList<string> Objections(Demand demand, Offer offer)
    {
        var objections = new List<string>();
        if (!offer.IsRunning)
        {
            objections.Add($"it is {offer.Status.ToLowerInvariant()}, not running: start it or let it go on, or choose another VM");
            return objections;
        }

        if (!offer.HasAgent) objections.Add("no guest agent answers in it: install and start watari-agent there");
        if (demand.MemoryBytes > offer.MemoryBytes)
        {
            objections.Add($"it has {offer.MemoryBytes >> 20} MiB of memory, the container brings {demand.MemoryBytes >> 20} MiB");
        }
        else if (demand.MemoryBytes > offer.MemoryBytes - offer.ReservedBytes)
        {
            objections.Add($"of its {offer.MemoryBytes >> 20} MiB of memory {offer.ReservedBytes >> 20} MiB are promised to containers on their way into it, this one brings {demand.MemoryBytes >> 20} MiB");
        }

        return objections;
    }
}
