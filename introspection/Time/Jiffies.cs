namespace Watari.Introspection.Time;

/// <summary>The kernel's ticks (include/linux/jiffies.h).</summary>
public static class Jiffies
{
    /// <summary>
    /// HZ. No variable holds it; the clock that counts ticks knows a tick's length (clocksource_jiffies in kernel/time/jiffies.c).
    /// </summary>
    public static int PerSecond(GuestKernel kernel)
    {
        const long NanosecondsPerSecond = 1_000_000_000;
        Clocksource ticks = kernel.Global<Clocksource>("clocksource_jiffies");
        long length = (long)ticks.Mult >> (int)(ticks.Shift & 31);
        return length is > 0 and <= NanosecondsPerSecond
            ? (int)((NanosecondsPerSecond + length / 2) / length)
            : throw kernel.Astray(ticks.Address, "clocksource.mult", $"gives a tick a length of {length} ns");
    }
}

/// <summary>A source of time (include/linux/clocksource.h).</summary>
[KernelStruct("clocksource")]
public readonly partial record struct Clocksource
{
    /// <summary>Nanoseconds of a cycle, shifted up.</summary>
    [Field] public partial uint Mult { get; }

    [Field] public partial uint Shift { get; }
}
