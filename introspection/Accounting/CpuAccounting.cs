using Watari.Introspection.Symbols;
using Watari.Introspection.Time;

namespace Watari.Introspection.Accounting;

/// <summary>What the guest's processors have done, as its /proc/stat tells it.</summary>
/// <remarks>One for a kernel: it keeps where things lie, and reading then allocates nothing.</remarks>
public sealed class CpuAccounting
{
    private const int FixedPointShift = 11; // FSHIFT (include/linux/sched/loadavg.h)

    private readonly GuestKernel _kernel;
    private readonly GuestVirtualAddress _stat;
    private readonly GuestVirtualAddress _ticks;
    private readonly GuestVirtualAddress _queues;
    private readonly bool _tickless;
    private readonly int _user, _nice, _system, _idle, _ioWait, _irq, _softIrq, _steal, _guest, _guestNice;

    /// <exception cref="KernelSymbolException">The kernel lacks one of the variables.</exception>
    public CpuAccounting(GuestKernel kernel)
    {
        _kernel = kernel;
        _stat = kernel.Symbols.Find("kernel_cpustat");
        _queues = kernel.Symbols.Find("runqueues");
        // NO_HZ_COMMON, and switched on since the boot.
        _tickless = kernel.Symbols.TryFind("tick_cpu_sched"u8, out _ticks)
            && kernel.Symbols.TryFind("tick_nohz_active"u8, out GuestVirtualAddress active) && kernel.AddressSpace.Read<byte>(active) != 0;
        BtfTypeId kinds = kernel.Types.Find("cpu_usage_stat");
        (_user, _nice, _system, _idle, _ioWait) = (Kind("CPUTIME_USER"), Kind("CPUTIME_NICE"), Kind("CPUTIME_SYSTEM"), Kind("CPUTIME_IDLE"), Kind("CPUTIME_IOWAIT"));
        (_irq, _softIrq, _steal, _guest, _guestNice) = (Kind("CPUTIME_IRQ"), Kind("CPUTIME_SOFTIRQ"), Kind("CPUTIME_STEAL"), Kind("CPUTIME_GUEST"), Kind("CPUTIME_GUEST_NICE"));

        int Kind(string name) => kernel.Types.TryGetEnumerator(kinds, name, out long value)
            ? (int)value
            : throw new KernelTypeException($"This kernel's cpu_usage_stat has no {name}.");
    }

    /// <summary>
    /// A processor's times since boot. Right to its last tick; while it idles without a tick, idle time goes on up to what the guest's
    /// clock shows, which itself may be a tick old. A processor that is offline has what it had when it went.
    /// </summary>
    /// <param name="cpu">Its number.</param>
    /// <param name="clocks">The guest's, read just before.</param>
    public CpuTimes Times(int cpu, GuestClocks clocks)
    {
        KernelCpuStat stat = KernelCpuStat.At(_kernel, _kernel.PerCpu.Address(_stat, cpu));
        KernelArray<ulong> times = stat.Cpustat;
        (ulong idle, ulong ioWait) = (times[_idle], times[_ioWait]);
        if (_kernel.PerCpu.IsOnline(cpu))
        {
            bool waits = RunQueue(cpu).NrIowait > 0;
            if (stat.IdleElapse is { } elapses)
            {
                // Kept with the times by later kernels (7.2 does), which take stolen time from what passes.
                ulong stolen = stat.IdleStealtime?[waits ? 1 : 0] ?? 0;
                ulong passes = elapses ? Since(stat.IdleEntrytime ?? ulong.MaxValue, clocks) : 0;
                (waits ? ref ioWait : ref idle) += passes - Math.Min(stolen, passes);
            }
            else if (_tickless && TickSched.At(_kernel, _kernel.PerCpu.Address(_ticks, cpu)) is { IdleSleeptime: { } slept, IowaitSleeptime: { } waited } tick)
            {
                // get_cpu_idle_time_us, which /proc/stat asks before the times that ticks have counted.
                (idle, ioWait) = ((ulong)slept, (ulong)waited);
                if (tick.IsIdle) (waits ? ref ioWait : ref idle) += Since((ulong)tick.IdleEntrytime, clocks);
            }
        }

        return new CpuTimes(times[_user], times[_nice], times[_system], idle, ioWait, times[_irq], times[_softIrq], times[_steal], times[_guest], times[_guestNice]);
    }

    /// <summary>Tasks that run on a processor or wait for it.</summary>
    public uint RunningTasks(int cpu) => RunQueue(cpu).NrRunning;

    /// <summary>Load averages over 1, 5 and 15 minutes, as in /proc/loadavg: they change every five seconds.</summary>
    public (double OneMinute, double FiveMinutes, double FifteenMinutes) LoadAverages
    {
        get
        {
            var averages = new KernelArray<ulong>(_kernel, _kernel.Symbols.Find("avenrun"), 3);
            return (Load(averages[0]), Load(averages[1]), Load(averages[2]));
        }
    }

    internal static double Load(ulong fixedPoint) => fixedPoint / (double)(1 << FixedPointShift);

    private RunQueueLoad RunQueue(int cpu) => RunQueueLoad.At(_kernel, _kernel.PerCpu.Address(_queues, cpu));

    private static ulong Since(ulong then, GuestClocks clocks) => (ulong)clocks.Monotonic > then ? (ulong)clocks.Monotonic - then : 0;
}

/// <summary>Times of a processor in nanoseconds, each as /proc/stat has it in ticks of 10 ms.</summary>
/// <param name="User">With what <paramref name="Guest"/> counts.</param>
/// <param name="Nice">With what <paramref name="GuestNice"/> counts.</param>
/// <param name="Guest">Spent in virtual machines of the guest's own.</param>
/// <param name="GuestNice">The same of niced ones.</param>
public readonly record struct CpuTimes(
    ulong User, ulong Nice, ulong System, ulong Idle, ulong IoWait, ulong Irq, ulong SoftIrq, ulong Steal, ulong Guest, ulong GuestNice)
{
    /// <summary>All that is neither idle nor stolen.</summary>
    public ulong Busy => User + Nice + System + Irq + SoftIrq;
}

/// <summary>include/linux/kernel_stat.h.</summary>
[KernelStruct("kernel_cpustat")]
public readonly partial record struct KernelCpuStat
{
    /// <summary>Nanoseconds by CPUTIME_*.</summary>
    [Field] public partial KernelArray<ulong> Cpustat { get; }

    /// <summary>Whether the processor idles without a tick, and idle time has to be reckoned from <see cref="IdleEntrytime"/> on.</summary>
    [Field(Optional = true)] public partial bool? IdleElapse { get; }

    [Field(Optional = true)] public partial ulong? IdleEntrytime { get; }

    /// <summary>Stolen time not yet taken off, of idle and of iowait.</summary>
    [Field(Optional = true)] public partial KernelArray<ulong>? IdleStealtime { get; }
}

/// <summary>A processor's way with ticks (kernel/time/tick-sched.h).</summary>
[KernelStruct("tick_sched")]
public readonly partial record struct TickSched
{
    private const ulong IdleActiveFlag = 1 << 2; // TS_FLAG_IDLE_ACTIVE, since a478ffb2ae23, v6.9

    [Field] public partial long IdleEntrytime { get; }

    /// <summary>Kept with the times (<see cref="KernelCpuStat"/>) in later kernels.</summary>
    [Field(Optional = true)] public partial long? IdleSleeptime { get; }

    [Field(Optional = true)] public partial long? IowaitSleeptime { get; }

    [BitField("idle_active", Optional = true)] private partial bool? IdleActive { get; }

    [Field(Optional = true)] private partial ulong? Flags { get; }

    public bool IsIdle => IdleActive ?? ((Flags ?? 0) & IdleActiveFlag) != 0;
}

/// <summary>What a processor has to do (kernel/sched/sched.h).</summary>
[KernelStruct("rq")]
public readonly partial record struct RunQueueLoad
{
    [Field] public partial uint NrRunning { get; }

    /// <summary>Tasks that wait for a disk, and went to sleep here.</summary>
    [Field] public partial int NrIowait { get; }
}
