using Watari.Introspection.Tasks;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Time;

/// <summary>A timer of timer_create(2) (include/linux/posix-timers.h).</summary>
[KernelStruct("k_itimer")]
public readonly partial record struct KItimer
{
    /// <summary>Its node among its process's timers: an hlist since v6.12, a list before.</summary>
    [Embedded("list", Optional = true)] internal partial HlistNode? ListHlist { get; }

    [Embedded("list", Optional = true)] internal partial ListHead? ListList { get; }

    [Field] public partial int ItId { get; }

    /// <summary>CLOCK_*.</summary>
    [Field] public partial int ItClock { get; }

    /// <summary>SIGEV_*.</summary>
    [Field] public partial int ItSigevNotify { get; }

    /// <summary>In nanoseconds.</summary>
    [Field] public partial long ItInterval { get; }

    /// <summary>The thread or process that it signals.</summary>
    [Field] public partial Ptr<PidStruct> ItPid { get; }

    /// <summary>Its timer, unless its clock is one of CPU time.</summary>
    [Embedded("it.real.timer")] public partial HrTimer RealTimer { get; }

    /// <summary>The signal that it sends: in the timer itself since v6.13, elsewhere before.</summary>
    public SigQueue Signal => SignalInPlace ?? (SignalElsewhere ?? throw PosixTimers.Without("sigq")).Value;

    [Embedded("sigq", Optional = true)] private partial SigQueue? SignalInPlace { get; }

    [Field("sigq", Optional = true)] private partial Ptr<SigQueue>? SignalElsewhere { get; }
}

/// <summary>A walk over a process's POSIX timers.</summary>
public struct PosixTimers
{
    private readonly bool _isHlist;
    private HlistEntries<KItimer> _hlist;
    private ListEntries<KItimer> _list;

    public PosixTimers(SignalStruct signal)
    {
        if (signal.PosixTimersHlist is { } hlist)
        {
            _isHlist = true;
            _hlist = hlist.Entries<KItimer>(static timer => timer.ListHlist ?? throw Without("list"));
        }
        else
        {
            ListHead list = signal.PosixTimersList ?? throw new KernelTypeException("This kernel's signal_struct has no posix_timers of a known kind.");
            _list = list.Entries<KItimer>(static timer => timer.ListList ?? throw Without("list"));
        }
    }

    public readonly KItimer Current => _isHlist ? _hlist.Current : _list.Current;

    public readonly PosixTimers GetEnumerator() => this;

    public bool MoveNext() => _isHlist ? _hlist.MoveNext() : _list.MoveNext();

    internal static KernelTypeException Without(string member) => new($"This kernel's k_itimer has no {member} of a known kind.");
}

/// <summary>setitimer(2) on CPU time (include/linux/sched/signal.h); nanoseconds of CPU time, 0 where it is not armed.</summary>
[KernelStruct("cpu_itimer")]
public readonly partial record struct CpuItimer
{
    [Field] public partial ulong Expires { get; }
}
