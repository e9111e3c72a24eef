namespace Watari.Silo.Tests;

/// <summary>A clock that a test moves.</summary>
internal sealed class HandSetTime : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public void Advance(TimeSpan time) => _ticks += time.Ticks;
}
