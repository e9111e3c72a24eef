namespace Watari.Introspection.Cgroups;

/// <summary>What a cgroup's controllers keep; none where the controller is not enabled for it.</summary>
public static class CgroupControllers
{
    extension(Cgroup cgroup)
    {
        public MemoryCgroup? Memory => Controller<MemoryCgroup>(cgroup, "memory_cgrp_id");

        public PidsCgroup? Pids => Controller<PidsCgroup>(cgroup, "pids_cgrp_id");

        public CpuCgroup? Cpu => Controller<CpuCgroup>(cgroup, "cpu_cgrp_id");
    }

    /// <summary>The state's structure begins with its cgroup_subsys_state in each of these.</summary>
    private static T? Controller<T>(Cgroup cgroup, string id) where T : struct, IKernelStruct<T>
    {
        BtfTypes types = cgroup.Kernel.Types;
        if (!types.TryGetEnumerator(types.Find("cgroup_subsys_id"), id, out long index)) return null; // the kernel is built without it
        KernelArray<ulong> states = cgroup.Subsys;
        if (index < 0 || index >= states.Length) return null;
        var state = new GuestVirtualAddress(states[(int)index]);
        return state.IsNull ? null : T.At(cgroup.Kernel, state);
    }
}

/// <summary>The memory controller's charge and limits, in pages (include/linux/memcontrol.h, include/linux/page_counter.h).</summary>
[KernelStruct("mem_cgroup")]
public readonly partial record struct MemoryCgroup
{
    /// <summary>PAGE_COUNTER_MAX: no limit.</summary>
    public const ulong Unlimited = long.MaxValue / GuestPage.Size;

    /// <summary>What is charged to it now: memory.current.</summary>
    [Field("memory.usage")] public partial ulong Usage { get; }

    /// <summary>The most that was ever charged to it: memory.peak.</summary>
    [Field("memory.watermark")] public partial ulong Watermark { get; }

    [Field("memory.max")] public partial ulong Max { get; }

    [Field("memory.high")] public partial ulong High { get; }

    [Field("memory.low")] public partial ulong Low { get; }

    [Field("memory.min")] public partial ulong Min { get; }

    [Field("swap.max")] public partial ulong SwapMax { get; }
}

/// <summary>The pids controller's count and limit (kernel/cgroup/pids.c).</summary>
[KernelStruct("pids_cgroup")]
public readonly partial record struct PidsCgroup
{
    /// <summary>PIDS_MAX is one more than the largest number of a process.</summary>
    public const long Unlimited = 4 * 1024 * 1024;

    /// <summary>Tasks in it and below it: pids.current.</summary>
    [Field("counter")] public partial long Counter { get; }

    [Field("limit")] public partial long Limit { get; }
}

/// <summary>The cpu controller's limits (kernel/sched/sched.h).</summary>
[KernelStruct("task_group")]
public readonly partial record struct CpuCgroup
{
    private const ulong ScaledUp = 1 << 10; // SCHED_FIXEDPOINT_SHIFT, on 64 bits
    private const ulong DefaultShares = 1024;

    /// <summary>cpu.weight where nothing was set.</summary>
    public const ulong DefaultWeight = 100;

    /// <summary>cpu.max: nanoseconds in each period; negative is no limit.</summary>
    [Field("cfs_bandwidth.quota", Optional = true)] private partial ulong? BandwidthQuota { get; }

    [Field("cfs_bandwidth.period", Optional = true)] private partial long? BandwidthPeriod { get; }

    [Field] private partial ulong Shares { get; }

    public long Quota => unchecked((long)(BandwidthQuota ?? ulong.MaxValue));

    public long Period => BandwidthPeriod ?? 0;

    /// <summary>cpu.weight, 1 to 10000: cpu_weight_read_u64.</summary>
    public ulong Weight => (Shares / ScaledUp * DefaultWeight + DefaultShares / 2) / DefaultShares;
}
