using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>eventfd, epoll, signalfd and timerfd.</summary>
internal static class EventImages
{
    public static Proto.EventfdFileEntry Build(EventFd file) => new()
    {
        Id = file.Id.Value,
        Flags = file.Flags,
        Fown = FileOwnerImages.Build(file.Owner),
        Counter = file.Counter,
    };

    public static EventFd Parse(Proto.EventfdFileEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Counter = entry.Counter,
    };

    public static Proto.EventpollFileEntry Build(EventPoll file) => new()
    {
        Id = file.Id.Value,
        Flags = file.Flags,
        Fown = FileOwnerImages.Build(file.Owner),
        Tfd =
        {
            file.Targets.Select(target => new Proto.EventpollTfdEntry
            {
                Id = 0,
                Tfd = (uint)target.Descriptor,
                Events = target.Events,
                Data = target.Data,
                Dev = target.Device,
                Inode = target.Inode,
                Pos = target.Position,
            }),
        },
    };

    public static EventPoll Parse(Proto.EventpollFileEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Targets = [.. entry.Tfd.Select(t => new EventPollTarget((int)t.Tfd, t.Events, t.Data, t.Dev, t.Inode, t.Pos))],
    };

    public static Proto.SignalfdEntry Build(SignalFd file) => new()
    {
        Id = file.Id.Value,
        Flags = file.Flags,
        Fown = FileOwnerImages.Build(file.Owner),
        Sigmask = file.Mask,
    };

    public static SignalFd Parse(Proto.SignalfdEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Mask = entry.Sigmask,
    };

    public static Proto.TimerfdEntry Build(TimerFd file) => new()
    {
        Id = file.Id.Value,
        Flags = file.Flags,
        Fown = FileOwnerImages.Build(file.Owner),
        Clockid = file.ClockId,
        Ticks = file.Ticks,
        SettimeFlags = file.SetTimeFlags,
        Vsec = file.Setting.Remaining.Seconds,
        Vnsec = file.Setting.Remaining.SubsecondNanoseconds,
        Isec = file.Setting.Interval.Seconds,
        Insec = file.Setting.Interval.SubsecondNanoseconds,
    };

    public static TimerFd Parse(Proto.TimerfdEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        ClockId = entry.Clockid,
        Ticks = entry.Ticks,
        SetTimeFlags = entry.SettimeFlags,
        Setting = new TimerSetting(
            ProtoTime.FromTimespec(entry.Vsec, entry.Vnsec),
            ProtoTime.FromTimespec(entry.Isec, entry.Insec)),
    };
}
