using System.Collections.Immutable;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Events;

/// <summary>The last events of a host, so many of them and no more.</summary>
internal sealed class EventRing(int capacity = EventRing.Capacity)
{
    public const int Capacity = 4096;

    /// <summary>Of one message.</summary>
    private const int MostAtOnce = 256;

    private readonly Lock _gate = new();
    private readonly Queue<ContainerEvent> _events = new();
    private readonly Guid _run = Guid.NewGuid();
    private long _first;

    public void Add(IEnumerable<ContainerEvent> events)
    {
        lock (_gate)
        {
            foreach (ContainerEvent happened in events)
            {
                _events.Enqueue(happened);
                if (_events.Count <= capacity) continue;
                _events.Dequeue();
                _first++;
            }
        }
    }

    /// <param name="from">Null: from the first that is kept, or without <paramref name="since"/> from the next on.</param>
    /// <param name="problems">To be told with them.</param>
    public EventsPiece Read(EventsPlace? from, DateTimeOffset? since, ImmutableArray<string> problems)
    {
        lock (_gate)
        {
            bool isBehind = from is not null && (from.Run != _run || from.Next < _first);
            long next = from is null ? (since is null ? _first + _events.Count : _first) : isBehind ? _first : from.Next;
            ContainerEvent[] after = [.. _events.Skip((int)(next - _first)).Take(MostAtOnce)];
            next += after.Length;
            return new EventsPiece(
                [.. after.Where(happened => since is not { } moment || happened.At >= moment)], new EventsPlace(_run, next), next == _first + _events.Count, isBehind, problems);
        }
    }
}
