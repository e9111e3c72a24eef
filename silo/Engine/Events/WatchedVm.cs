using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Events;

/// <summary>A VM whose containers are looked at: what was seen last.</summary>
internal sealed class WatchedVm
{
    /// <summary>So long an engine has time to write down that a container has ended, and with which code.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private Dictionary<string, SeenContainer>? _seen;

    /// <summary>Since when they were seen to have ended.</summary>
    private Dictionary<string, DateTimeOffset> _awaited = new(StringComparer.Ordinal);

    /// <summary>The look that is at work, or was last.</summary>
    public Task Looking { get; set; } = Task.CompletedTask;

    /// <summary>By <see cref="Events.Glance"/>; null where there was none.</summary>
    public string? Glance { get; set; }

    /// <summary>A timestamp of the host's clock.</summary>
    public long Looked { get; set; }

    /// <summary>Why it cannot be looked into, in a sentence.</summary>
    public string? Problem { get; set; }

    /// <summary>It was looked at once.</summary>
    public bool IsKnown => _seen is not null;

    /// <summary>Something has ended in it of which more will be known soon.</summary>
    public bool IsBehind => _awaited.Count > 0;

    public IReadOnlyCollection<string> Ids => _seen is null ? [] : _seen.Keys;

    /// <summary>Takes the next look.</summary>
    /// <param name="isWhole">There are no containers but these.</param>
    /// <param name="deed">What Watari itself does, or has done, to a container.</param>
    /// <returns>What has happened since the last; at the first, what engines have written down of before.</returns>
    public IReadOnlyList<ContainerEvent> See(IReadOnlyDictionary<string, SeenContainer> seen, bool isWhole, VmId id, DateTimeOffset at, Func<string, Deed?> deed)
    {
        if (_seen is not { } before)
        {
            _seen = new Dictionary<string, SeenContainer>(seen, StringComparer.Ordinal);
            return [.. _seen.Values.SelectMany(found => Differences.History(found, id).Concat(Done(found, deed(found.Id), id))).OrderBy(happened => happened.At)];
        }

        List<ContainerEvent> events = [];
        Dictionary<string, SeenContainer> next = new(StringComparer.Ordinal);
        Dictionary<string, DateTimeOffset> awaited = new(StringComparer.Ordinal);
        foreach (string container in before.Keys.Union(seen.Keys))
        {
            SeenContainer? old = before.GetValueOrDefault(container), now = seen.GetValueOrDefault(container);
            // What is written of it could not be read; what lives of it is seen all the same.
            if (!isWhole && old is not null && now?.Created is null) now = old with { Life = now?.Life, IsPaused = now?.IsPaused == true };
            Deed? done = deed(container);
            bool isHeld = done is { IsOver: false };
            bool hasRun = old is null || old.Life is not null || now?.Started > old.Started;
            DateTimeOffset ended = _awaited.GetValueOrDefault(container, at);
            bool waits = !isHeld && hasRun && now is { IsBehind: true } && at - ended < s_patience;
            if (waits) awaited[container] = ended;
            if (isHeld || waits)
            {
                if (old is not null) next[container] = old;
                continue;
            }

            // What a migration has taken away or brought is told as that alone.
            if (done is not { Kind: ContainerEventKind.Migrate }) events.AddRange(Differences.Between(old, now, id, at));
            if ((now ?? old) is { } named) events.AddRange(Done(named, done, id));
            if (now is not null) next[container] = now;
        }

        _seen = next;
        _awaited = awaited;
        return events;
    }

    private static IEnumerable<ContainerEvent> Done(SeenContainer container, Deed? deed, VmId id) => deed is { IsOver: true, Kind: { } kind }
        ? [new ContainerEvent(deed.At, kind, id, container.Id, container.Name, container.Runtime, container.Image, Job: deed.Job)]
        : [];

    /// <summary>The VM is no more: whatever lived in it has ended.</summary>
    public IReadOnlyList<ContainerEvent> End(VmId id, DateTimeOffset at) =>
        [.. (_seen?.Values ?? Enumerable.Empty<SeenContainer>()).SelectMany(container => Differences.Between(container, container with { Life = null, IsPaused = false, ExitCode = null }, id, at))];
}
