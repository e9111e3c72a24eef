namespace Watari.Checkpoint.Model;

/// <summary>A span of time as the kernel keeps it: whole nanoseconds.</summary>
public readonly record struct Nanoseconds(long Value)
{
    private const long PerSecond = 1_000_000_000;

    public static Nanoseconds Zero => default;

    public static Nanoseconds FromTimespec(ulong seconds, ulong nanoseconds) =>
        new(checked((long)seconds * PerSecond + (long)nanoseconds));

    public static Nanoseconds FromTimeval(ulong seconds, ulong microseconds) =>
        FromTimespec(seconds, checked(microseconds * 1000));

    /// <summary>tv_sec of a struct timespec or timeval.</summary>
    public ulong Seconds => (ulong)(Value / PerSecond);

    /// <summary>tv_nsec of a struct timespec.</summary>
    public ulong SubsecondNanoseconds => (ulong)(Value % PerSecond);

    /// <summary>tv_usec of a struct timeval.</summary>
    public ulong SubsecondMicroseconds => SubsecondNanoseconds / 1000;
}

/// <summary>A timer's state: what is left until it fires (zero: it is not armed) and the period after that (zero: it fires once).</summary>
public readonly record struct TimerSetting(Nanoseconds Remaining, Nanoseconds Interval);

/// <summary>What the container's clocks showed at the freeze; they go on from there (time_namespaces(7)).</summary>
public sealed record ContainerClocks(Nanoseconds Monotonic, Nanoseconds Boottime);
