using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Timers of a process in its core image.</summary>
internal static class TimerImages
{
    public static Proto.TaskTimersEntry Build(ProcessTimers timers) => new()
    {
        Real = Build(timers.Real),
        Virt = Build(timers.Virtual),
        Prof = Build(timers.Profiling),
        Posix = { timers.Posix.Select(Build) },
    };

    public static ProcessTimers Parse(Proto.TaskTimersEntry? timers) => timers is null
        ? ProcessTimers.None
        : new ProcessTimers(Parse(timers.Real), Parse(timers.Virt), Parse(timers.Prof), [.. timers.Posix.Select(Parse)]);

    private static Proto.ItimerEntry Build(TimerSetting timer) => new()
    {
        Isec = timer.Interval.Seconds,
        Iusec = timer.Interval.SubsecondMicroseconds,
        Vsec = timer.Remaining.Seconds,
        Vusec = timer.Remaining.SubsecondMicroseconds,
    };

    private static TimerSetting Parse(Proto.ItimerEntry timer) => new(
        ProtoTime.FromTimeval(timer.Vsec, timer.Vusec),
        ProtoTime.FromTimeval(timer.Isec, timer.Iusec));

    private static Proto.PosixTimerEntry Build(PosixTimer timer)
    {
        var entry = new Proto.PosixTimerEntry
        {
            ItId = timer.Id,
            ClockId = timer.ClockId,
            SiSigno = timer.Signal,
            ItSigevNotify = timer.Notify,
            SivalPtr = timer.SignalValue,
            Overrun = timer.Overrun,
            Isec = timer.Setting.Interval.Seconds,
            Insec = timer.Setting.Interval.SubsecondNanoseconds,
            Vsec = timer.Setting.Remaining.Seconds,
            Vnsec = timer.Setting.Remaining.SubsecondNanoseconds,
        };
        if (timer.NotifyThread is { } thread)
            entry.NotifyThreadId = thread;
        return entry;
    }

    private static PosixTimer Parse(Proto.PosixTimerEntry timer) => new()
    {
        Id = timer.ItId,
        ClockId = timer.ClockId,
        Signal = timer.SiSigno,
        Notify = timer.ItSigevNotify,
        SignalValue = timer.SivalPtr,
        Overrun = timer.Overrun,
        NotifyThread = timer.HasNotifyThreadId ? timer.NotifyThreadId : null,
        Setting = new TimerSetting(
            ProtoTime.FromTimespec(timer.Vsec, timer.Vnsec),
            ProtoTime.FromTimespec(timer.Isec, timer.Insec)),
    };
}

/// <summary>Times out of images: what does not fit the kernel's own 64 bits is cut off there, as the kernel cuts it off.</summary>
internal static class ProtoTime
{
    // KTIME_SEC_MAX.
    private const ulong MaxSeconds = long.MaxValue / 1_000_000_000 - 1;

    public static Nanoseconds FromTimespec(ulong seconds, ulong nanoseconds) =>
        Nanoseconds.FromTimespec(Math.Min(seconds, MaxSeconds), Math.Min(nanoseconds, 999_999_999));

    public static Nanoseconds FromTimeval(ulong seconds, ulong microseconds) =>
        FromTimespec(seconds, Math.Min(microseconds, 999_999) * 1000);
}
