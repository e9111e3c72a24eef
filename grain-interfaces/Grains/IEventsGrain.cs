using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>
/// What happens to the containers of a host's VMs, seen from outside of them. Key: the host's name. It lives on that host's silo. The host
/// begins to look when it is first asked, and goes on for an hour after it was asked last.
/// </summary>
[Alias("watari.IEventsGrain")]
public interface IEventsGrain : IGrainWithStringKey
{
    /// <param name="from">Where to read on; null for the beginning.</param>
    /// <param name="since">Only what was from then on; where <paramref name="from"/> is null too, only what comes.</param>
    /// <exception cref="EngineException">No silo of the host answers.</exception>
    [Alias("Read"), ResponseTimeout("00:00:30")]
    Task<EventsPiece> ReadAsync(EventsPlace? from, DateTimeOffset? since, CancellationToken cancellationToken = default);
}
