using Watari.Introspection.Time;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>eventfd(2) (fs/eventfd.c).</summary>
[KernelStruct("eventfd_ctx")]
public readonly partial record struct EventfdCtx
{
    [Field] public partial ulong Count { get; }

    /// <summary>EFD_*; bit 0 is EFD_SEMAPHORE.</summary>
    [Field] public partial uint Flags { get; }
}

/// <summary>signalfd(2) (fs/signalfd.c).</summary>
[KernelStruct("signalfd_ctx")]
public readonly partial record struct SignalfdCtx
{
    /// <summary>The signals it does not read: the kernel keeps the mask inverted.</summary>
    [Field("sigmask.sig")] public partial KernelArray<ulong> InvertedMask { get; }

    /// <summary>The signals that it reads; bit n: signal n+1.</summary>
    public ulong Mask => ~InvertedMask[0];
}

/// <summary>timerfd_create(2) (fs/timerfd.c).</summary>
[KernelStruct("timerfd_ctx")]
public readonly partial record struct TimerfdCtx
{
    /// <summary>The timer of all clocks but the alarm ones.</summary>
    [Embedded("t.tmr")] public partial HrTimer Timer { get; }

    /// <summary>The period, in nanoseconds.</summary>
    [Field] public partial long Tintv { get; }

    /// <summary>Expirations that were not read.</summary>
    [Field] public partial ulong Ticks { get; }

    /// <summary>CLOCK_*.</summary>
    [Field] public partial int Clockid { get; }

    /// <summary>It went off and was not read since; a periodic timer is armed again only then.</summary>
    [Field] public partial ushort Expired { get; }

    /// <summary>The flags of timerfd_settime(2).</summary>
    [Field] public partial ushort SettimeFlags { get; }
}

/// <summary>epoll(7) (fs/eventpoll.c).</summary>
[KernelStruct("eventpoll")]
public readonly partial record struct EventPollStruct
{
    [Embedded("rbr.rb_root")] public partial RbRoot Items { get; }

    /// <summary>What is watched.</summary>
    public RbEntries<EpItem> Watched => Items.Entries<EpItem>(static item => item.Node);
}

/// <summary>A file that an epoll watches (fs/eventpoll.c).</summary>
[KernelStruct("epitem")]
public readonly partial record struct EpItem
{
    [Embedded("rbn")] public partial RbNode Node { get; }

    [Field("ffd.file")] public partial Ptr<FileStruct> File { get; }

    /// <summary>The number that it had when it was added.</summary>
    [Field("ffd.fd")] public partial int Fd { get; }

    /// <summary>EPOLL*.</summary>
    [Field("event.events")] public partial uint Events { get; }

    [Field("event.data")] public partial ulong Data { get; }
}
