namespace Watari.Introspection.Time;

/// <summary>The kernel's clocks (include/linux/timekeeper_internal.h).</summary>
[KernelStruct("timekeeper")]
public readonly partial record struct Timekeeper
{
    /// <summary>Nanoseconds of the monotonic clock at the last full second or so.</summary>
    [Field("tkr_mono.base")] public partial long MonotonicBase { get; }

    /// <summary>What has passed since, in nanoseconds shifted up.</summary>
    [Field("tkr_mono.xtime_nsec")] public partial ulong MonotonicShiftedNanoseconds { get; }

    [Field("tkr_mono.shift")] public partial uint MonotonicShift { get; }

    [Field] public partial long OffsReal { get; }

    [Field] public partial long OffsBoot { get; }
}

/// <summary>The guest's clocks in nanoseconds, right to its last tick.</summary>
public readonly record struct GuestClocks(long Monotonic, long Boottime, long Realtime)
{
    private const int Attempts = 1000;

    /// <summary>What a clock shows, by its number (CLOCK_*).</summary>
    public long Of(int clock) => clock switch
    {
        0 or 8 => Realtime,
        7 or 9 => Boottime,
        _ => Monotonic,
    };

    /// <summary>Whether the guest is in the middle of an update of its clocks; false where the kernel has none.</summary>
    internal static bool AreBeingChanged(GuestKernel kernel) =>
        TryFindCore(kernel, out GuestVirtualAddress core) && (kernel.AddressSpace.Read<uint>(core) & 1) != 0;

    /// <summary>Reads the clocks between two of the guest's own updates.</summary>
    /// <exception cref="KernelWalkException">The guest was found in the middle of an update each time: paused there, or damaged.</exception>
    public static GuestClocks Read(GuestKernel kernel)
    {
        if (!TryFindCore(kernel, out GuestVirtualAddress core)) throw new Symbols.KernelSymbolException("tk_core", "this kernel has neither that nor timekeeper_data");
        // struct { seqcount_raw_spinlock_t seq; struct timekeeper timekeeper; }, which has a name (tk_data) only since v6.13.
        ulong offset = kernel.Types.TryFind("tk_data", out BtfTypeId named) && kernel.Types.TryGetMember(named, "timekeeper", out BtfMember member)
            ? (ulong)member.ByteOffset
            : (ulong)(kernel.Types.SizeOf(kernel.Types.Find("seqcount_raw_spinlock_t")) + 7 & ~7);
        Timekeeper keeper = Timekeeper.At(kernel, core + offset);
        for (int i = 0; i < Attempts; i++)
        {
            uint sequence = kernel.AddressSpace.Read<uint>(core);
            long monotonic = keeper.MonotonicBase + (long)(keeper.MonotonicShiftedNanoseconds >> (int)keeper.MonotonicShift);
            var clocks = new GuestClocks(monotonic, monotonic + keeper.OffsBoot, monotonic + keeper.OffsReal);
            Thread.MemoryBarrier();
            kernel.Memory.Refresh(); // the count once more, and not as it was a moment ago
            if ((sequence & 1) == 0 && kernel.AddressSpace.Read<uint>(core) == sequence) return clocks;
        }

        throw kernel.Astray(core, "tk_core.seq", $"the clocks were being changed each of {Attempts} times that they were looked at");
    }

    /// <summary>The kernel's own clocks; in v7.2 the first of several.</summary>
    private static bool TryFindCore(GuestKernel kernel, out GuestVirtualAddress core) =>
        kernel.Symbols.TryFind("tk_core"u8, out core) || kernel.Symbols.TryFind("timekeeper_data"u8, out core);
}
