using System.Diagnostics;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine;

/// <summary>Writes the time line of a command: each lap ends the phase before it.</summary>
internal sealed class PhaseClock(TimeProvider time)
{
    private readonly List<PhaseTiming> _phases = [];
    private DateTimeOffset _start = time.GetUtcNow();
    private long _stamp = Stopwatch.GetTimestamp();

    public IReadOnlyList<PhaseTiming> Phases => _phases;

    /// <summary>Ends a phase that began with the last lap, or with the clock.</summary>
    public void Lap(string name)
    {
        long now = Stopwatch.GetTimestamp();
        _phases.Add(new PhaseTiming(name, _start, Stopwatch.GetElapsedTime(_stamp, now).TotalMilliseconds));
        _start = time.GetUtcNow();
        _stamp = now;
    }
}
