using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;

namespace Watari.Introspection.Accounting;

/// <summary>What a thread has used (struct task_struct, include/linux/sched.h).</summary>
[KernelStruct("task_struct")]
public readonly partial record struct TaskUsage
{
    /// <summary>Nanoseconds in its program and in the kernel: by ticks, unless the kernel measures them.</summary>
    [Field] public partial ulong Utime { get; }

    [Field] public partial ulong Stime { get; }

    /// <summary>Nanoseconds on CPUs, as the scheduler measures them, up to the last tick.</summary>
    [Field("se.sum_exec_runtime")] public partial ulong SumExecRuntime { get; }

    public static TaskUsage Of(TaskStruct task) => At(task.Kernel, task.Address);
}

/// <summary>What a process has in memory (struct mm_struct, include/linux/mm_types.h).</summary>
[KernelStruct("mm_struct")]
public readonly partial record struct MmUsage
{
    // include/linux/mm_types_task.h
    private const int FilePages = 0;
    private const int AnonymousPages = 1;
    private const int SharedPages = 3;

    /// <summary>Pages by MM_*, before f1a7941243c1, v6.2.</summary>
    [Field("rss_stat.count", Optional = true)] private partial KernelArray<long>? Counts { get; }

    /// <summary>The same since then.</summary>
    [Field("rss_stat", Optional = true)] private partial KernelStructArray<PerCpuCounter>? Counters { get; }

    /// <summary>
    /// Its pages in memory: RSS. Each of its threads may hold back up to 64 pages before v6.2; exact since, where
    /// /proc/PID/statm leaves out what each processor holds back.
    /// </summary>
    public PageCount Resident => new(Math.Max(0, Pages(FilePages)) + Math.Max(0, Pages(AnonymousPages)) + Math.Max(0, Pages(SharedPages)));

    public static MmUsage Of(MmStruct mm) => At(mm.Kernel, mm.Address);

    private long Pages(int kind) => Counters is { } counters ? counters[kind].Sum
        : Counts is { } counts ? counts[kind]
        : throw new KernelTypeException("This kernel's mm_struct has no rss_stat that can be read.");
}

/// <summary>A sum of which each processor may hold back a part (include/linux/percpu_counter.h).</summary>
[KernelStruct("percpu_counter")]
public readonly partial record struct PerCpuCounter
{
    [Field] private partial long Count { get; }

    [Field] private partial GuestVirtualAddress Counters { get; }

    public long Sum
    {
        get
        {
            long sum = Count;
            GuestVirtualAddress parts = Counters;
            int cpus = parts.IsNull ? 0 : Kernel.PerCpu.PossibleCpus; // none yet, early in a process's life
            Kernel.TakeSteps(cpus);
            for (int cpu = 0; cpu < cpus; cpu++) sum += Kernel.AddressSpace.Read<int>(Kernel.PerCpu.Address(parts, cpu));
            return sum;
        }
    }
}
