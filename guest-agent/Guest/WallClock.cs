using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Guest;

/// <summary>CLOCK_REALTIME.</summary>
internal static unsafe class WallClock
{
    private const int CLOCK_REALTIME = 0;
    private const long Second = 1_000_000_000;

    /// <returns>By how many nanoseconds it was set forward.</returns>
    public static long Set(long unixNanoseconds)
    {
        Libc.Timespec now, then = new() { Seconds = unixNanoseconds / Second, Nanoseconds = unixNanoseconds % Second };
        KernelException.Check(Libc.clock_gettime(CLOCK_REALTIME, &now), "clock_gettime");
        KernelException.Check(Libc.clock_settime(CLOCK_REALTIME, &then), "clock_settime");
        return unixNanoseconds - ((now.Seconds * Second) + now.Nanoseconds);
    }
}
