using Orleans.Concurrency;
using Orleans.Placement;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Hosts;

/// <inheritdoc cref="IEventsGrain"/>
[GrainType("events"), HostPinned, Immovable, Reentrant]
internal sealed class EventsGrain(HostCommands commands) : Grain, IEventsGrain
{
    public Task<EventsPiece> ReadAsync(EventsPlace? from, DateTimeOffset? since, CancellationToken cancellationToken) =>
        commands.Engine.ReadEventsAsync(from, since, cancellationToken);
}
