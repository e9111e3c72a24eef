using Watari.Containers;
using Watari.Introspection;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Inventory;

namespace Watari.Silo.Engine.Events;

/// <summary>Of a container what an event can be told by.</summary>
/// <param name="Life">Tells one run of it from the next; null where nothing of it lives.</param>
/// <param name="IsPaused">All of what lives of it stands still.</param>
/// <param name="IsBehind">It has ended, and its engine has not written that down yet.</param>
/// <param name="ExitCode">Of its last run, where that was written down.</param>
internal sealed record SeenContainer(
    string Id, string Name, string Runtime, string? Image, ulong? Life, bool IsPaused, bool IsBehind, int? ExitCode, DateTimeOffset? Created, DateTimeOffset? Started, DateTimeOffset? Finished)
{
    private const int MostText = 256;

    /// <summary>All containers of a VM. Blocks: for the engine's threads.</summary>
    /// <returns>And whether there can be no others: all that is written of them could be read.</returns>
    public static (IReadOnlyDictionary<string, SeenContainer> Seen, bool IsWhole) Of(VmLook look)
    {
        ContainerInventory inventory = look.Inventory();
        var seen = inventory.Containers.ToDictionary(found => found.Id, found => Of(found, look.NothingRuns), StringComparer.Ordinal);
        return (seen, inventory.Unreadable.Count == 0 && look.Notes.Count == 0);
    }

    private static SeenContainer Of(FoundContainer found, bool nothingRuns)
    {
        ContainerRecord? record = found.Record;
        // What waits to be started does not live yet.
        ulong? life = nothingRuns || found.State is ContainerState.Created or ContainerState.Initialized || found.RootPid is not { } pid ? null : LifeOf(found, pid);
        bool hasRecord = found.Runtime is ContainerRuntime.Docker or ContainerRuntime.Podman && record is not null;
        return new SeenContainer(
            found.Id,
            Cut(record?.Names is [{ Length: > 0 } name, ..] ? name : found.Id),
            found.Runtime.ToString().ToLowerInvariant(),
            record?.Image is { } image ? Cut(image) : null,
            life,
            life is not null && found.State == ContainerState.Paused,
            life is null && hasRecord && !nothingRuns && found.State is ContainerState.Stopped or ContainerState.Stopping,
            hasRecord && found.State is ContainerState.Exited or ContainerState.Restarting or ContainerState.Dead ? record!.ExitCode : null,
            record?.Created, record?.Started, record?.Finished);
    }

    private static ulong LifeOf(FoundContainer found, int pid)
    {
        try
        {
            return found.Live is { } live ? LiveView.Look(live.Init.Kernel, look => live.In(look).Init.StartBoottime) : (ulong)pid;
        }
        catch (IntrospectionException)
        {
            return (ulong)pid; // it ends just now, which the next look tells
        }
    }

    private static string Cut(string text) => text.Length <= MostText ? text : text[..MostText];
}
