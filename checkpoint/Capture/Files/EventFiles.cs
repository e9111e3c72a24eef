using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>eventfd, signalfd, timerfd and epoll.</summary>
internal static class EventFiles
{
    private const uint Semaphore = 1; // EFD_SEMAPHORE

    public static Model.OpenFile? CaptureEventFd(CapturedFile file)
    {
        EventfdCtx context = EventfdCtx.At(file.File.Kernel, file.File.PrivateData);
        if ((context.Flags & Semaphore) != 0) return file.Refuse("an eventfd with EFD_SEMAPHORE would lose that property (CRIU does not keep it)");
        return new EventFd { Id = file.Id, Flags = file.Flags, Owner = file.Owner, Counter = context.Count };
    }

    public static Model.OpenFile? CaptureSignalFd(CapturedFile file) => new SignalFd
    {
        Id = file.Id,
        Flags = file.Flags,
        Owner = file.Owner,
        Mask = SignalfdCtx.At(file.File.Kernel, file.File.PrivateData).Mask,
    };

    public static Model.OpenFile? CaptureTimerFd(CapturedFile file)
    {
        TimerfdCtx context = TimerfdCtx.At(file.File.Kernel, file.File.PrivateData);
        if (context.Clockid is not (0 or 1 or 7)) return file.Refuse("a timer that wakes the machine (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM) is not carried");

        (ulong ticks, TimerSetting setting) = StateOf(context, context.Timer.Now(file.Scope.Clocks));
        return new TimerFd
        {
            Id = file.Id,
            Flags = file.Flags,
            Owner = file.Owner,
            ClockId = (uint)context.Clockid,
            Ticks = ticks,
            SetTimeFlags = context.SettimeFlags,
            Setting = setting,
        };
    }

    /// <summary>What is watched, with the number that each had when it was added; whether it still has it is seen at the end.</summary>
    public static Model.OpenFile? CaptureEventPoll(CapturedFile file)
    {
        var targets = ImmutableArray.CreateBuilder<EventPollTarget>();
        var watched = new List<GuestVirtualAddress>();
        foreach (EpItem item in EventPollStruct.At(file.File.Kernel, file.File.PrivateData).Watched)
        {
            file.Budget.TakeObjects(1);
            FileStruct target = item.File.Value;
            InodeStruct inode = target.FInode.Value;
            targets.Add(new EventPollTarget(item.Fd, item.Events, item.Data, inode.ISb.Value.SDev, inode.IIno, (ulong)target.FPos));
            watched.Add(target.Address);
        }

        file.Watched = watched;
        return new EventPoll { Id = file.Id, Flags = file.Flags, Owner = file.Owner, Targets = targets.ToImmutable() };
    }

    /// <summary>
    /// Expirations so far and what is left until the next. A periodic timer that went off stands still until it is read, when the
    /// kernel counts what it missed (timerfd_read); here it is counted now, so that it goes on by itself.
    /// </summary>
    private static (ulong Ticks, TimerSetting Setting) StateOf(TimerfdCtx context, long now)
    {
        HrTimer timer = context.Timer;
        long interval = context.Tintv;
        long remaining = timer.Expires - now;
        // An armed timer that is due has a moment left: zero would say that it is not armed.
        if (timer.IsActive) return (context.Ticks, new TimerSetting(new Nanoseconds(Math.Max(remaining, 1)), new Nanoseconds(interval)));
        if (context.Expired == 0 || interval <= 0) return (context.Ticks, new TimerSetting(Nanoseconds.Zero, new Nanoseconds(interval)));
        long missed = remaining >= 0 ? 0 : -remaining / interval;
        return (context.Ticks + (ulong)missed, new TimerSetting(new Nanoseconds(remaining + (missed + 1) * interval), new Nanoseconds(interval)));
    }
}
