using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>Timers of a process, as what is left of them.</summary>
internal static class TimerCapture
{
    private const int ClockProcessCpuTime = 2;
    private const int ClockThreadCpuTime = 3;
    private const int ClockRealtimeAlarm = 8;
    private const int ClockBoottimeAlarm = 9;
    private const int ClockTai = 11;
    private const int SigevNone = 1;
    private const int SigevThreadId = 4;

    public static ProcessTimers Capture(SignalStruct signal, CaptureContext context)
    {
        var posix = ImmutableArray.CreateBuilder<PosixTimer>();
        foreach (KItimer timer in new PosixTimers(signal))
        {
            context.Budget.TakeObjects(1);
            posix.Add(Capture(timer, context));
        }

        HrTimer real = signal.RealTimer;
        return new ProcessTimers(
            new TimerSetting(Remaining(real, context.Clocks.Monotonic), new Nanoseconds(real.IsActive ? signal.ItRealIncr : 0)),
            default,
            default,
            posix.ToImmutable());
    }

    /// <summary>Timers that count CPU time: what is left of them cannot be told without the scheduler's own accounts.</summary>
    public static void Judge(SignalStruct signal, string subject, CaptureContext context)
    {
        for (int kind = 0; kind < 2; kind++)
        {
            if (signal.It[kind].Expires != 0)
                context.Refuse(subject, kind == 0 ? "a profiling timer is set (setitimer ITIMER_PROF)" : "a virtual timer is set (setitimer ITIMER_VIRTUAL)");
        }
        foreach (KItimer timer in new PosixTimers(signal))
        {
            if (timer.ItClock is < 0 or ClockProcessCpuTime or ClockThreadCpuTime)
                context.Refuse(subject, $"POSIX timer {timer.ItId} counts CPU time (timer_create, clock {timer.ItClock})");
            if (timer.ItClock is ClockRealtimeAlarm or ClockBoottimeAlarm)
                context.Refuse(subject, $"POSIX timer {timer.ItId} wakes the machine (timer_create, clock {timer.ItClock})");
            if (timer.ItClock == ClockTai)
                context.Refuse(subject, $"POSIX timer {timer.ItId} counts by international atomic time (CLOCK_TAI)");
        }
    }

    private static PosixTimer Capture(KItimer timer, CaptureContext context)
    {
        SigQueue signal = timer.Signal;
        Span<byte> siginfo = stackalloc byte[PendingSignal.SiginfoSize];
        siginfo.Clear();
        signal.Info.CopyTo(siginfo);
        int notify = timer.ItSigevNotify;
        return new PosixTimer
        {
            Id = (uint)timer.ItId,
            ClockId = (uint)timer.ItClock,
            Signal = (uint)signal.Info.SiSigno,
            Notify = (uint)notify,
            SignalValue = BitConverter.ToUInt64(siginfo[SigvalOffset..]),
            Overrun = 0,
            NotifyThread = (notify & SigevThreadId) != 0 ? timer.ItPid.Value.IdIn(context.PidNamespace) : null,
            Setting = SettingOf(timer, context),
        };
    }

    private static TimerSetting SettingOf(KItimer timer, CaptureContext context)
    {
        long now = timer.RealTimer.Now(context.Clocks);
        long interval = timer.ItInterval;
        if (timer.ItSigevNotify != SigevNone)
            return new TimerSetting(Remaining(timer.RealTimer, now), new Nanoseconds(interval));

        // A timer that tells nobody is never started: what is left of it is reckoned when it is asked for (common_timer_get).
        long remaining = timer.RealTimer.Expires - now;
        if (remaining < 0 && interval > 0)
            remaining = interval - -remaining % interval;
        return new TimerSetting(new Nanoseconds(Math.Max(remaining, 0)), new Nanoseconds(interval));
    }

    // siginfo_t: si_signo, si_errno, si_code, padding, then of a timer si_tid, si_overrun, si_sigval (include/uapi/asm-generic/siginfo.h).
    private const int SigvalOffset = 24;

    private static Nanoseconds Remaining(HrTimer timer, long now) =>
        timer.IsActive ? new Nanoseconds(Math.Max(timer.Expires - now, Shortest)) : default;

    // Zero would disarm it: one that should have gone off already goes off at once.
    private const long Shortest = 1000;
}
