using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Events;

/// <summary>What must have happened between two looks at a VM's containers.</summary>
internal static class Differences
{
    /// <summary>What happened to a container, in order.</summary>
    /// <param name="before">Null: it was not there.</param>
    /// <param name="now">Null: it is no more.</param>
    public static IEnumerable<ContainerEvent> Between(SeenContainer? before, SeenContainer? now, VmId vm, DateTimeOffset at)
    {
        ContainerEvent Event(ContainerEventKind kind) => new(at, kind, vm, (now ?? before!).Id, (now ?? before!).Name, (now ?? before!).Runtime, (now ?? before!).Image);

        if (before is null) yield return Event(ContainerEventKind.Create);
        else if (now is not null && before.Name != now.Name) yield return Event(ContainerEventKind.Rename) with { OldName = before.Name };
        ulong? lived = before?.Life, lives = now?.Life;
        bool wasPaused = before?.IsPaused == true;
        if (lived is not null && lived != lives)
        {
            yield return Event(ContainerEventKind.Die) with { ExitCode = lives is null ? now?.ExitCode : null };
            wasPaused = false;
        }

        if (lives is not null && lives != lived)
        {
            yield return Event(ContainerEventKind.Start);
        }
        else if (lived is null && lives is null && before is not { IsBehind: true } && now is { Started: { } started } && started > (before?.Started ?? DateTimeOffset.MinValue))
        {
            // It has come and gone since the last look.
            yield return Event(ContainerEventKind.Start);
            yield return Event(ContainerEventKind.Die) with { ExitCode = now.ExitCode };
        }

        if (lives is not null && wasPaused != now!.IsPaused) yield return Event(now.IsPaused ? ContainerEventKind.Pause : ContainerEventKind.Unpause);
        if (now is null) yield return Event(ContainerEventKind.Remove);
    }

    /// <summary>What was before the first look, as far as engines have written it down.</summary>
    public static IEnumerable<ContainerEvent> History(SeenContainer found, VmId vm)
    {
        ContainerEvent Event(ContainerEventKind kind, DateTimeOffset at) => new(at, kind, vm, found.Id, found.Name, found.Runtime, found.Image);

        if (found.Created is { } created) yield return Event(ContainerEventKind.Create, created);
        if (found.Started is { } started) yield return Event(ContainerEventKind.Start, started);
        if (found is { Life: null, Finished: { } finished } && finished >= found.Started) yield return Event(ContainerEventKind.Die, finished) with { ExitCode = found.ExitCode };
    }
}
