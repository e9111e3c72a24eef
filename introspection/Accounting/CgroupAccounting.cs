using Watari.Introspection.Cgroups;

namespace Watari.Introspection.Accounting;

/// <summary>What a cgroup and all below it have used.</summary>
public static class CgroupAccounting
{
    extension(CgroupNode cgroup)
    {
        /// <summary>
        /// Its CPU time, as its cpu.stat would show it now: right to the last tick of each processor. Null for the root, which keeps
        /// none (its cpu.stat is that of all processors).
        /// </summary>
        /// <remarks>
        /// Each processor notes what a cgroup used (kernel/cgroup/rstat.c), and a read of cpu.stat carries that up the hierarchy. What
        /// has not been carried yet is added here: of the cgroup and each below it what its processors noted since, and of each below
        /// it what it has not passed on. Removed cgroups count until the last reference to them is gone.
        /// </remarks>
        public CpuUsage? CpuUsage
        {
            get
            {
                if (cgroup.Level == 0) return null;
                GuestKernel kernel = cgroup.Kernel;
                CgroupStat own = CgroupStat.At(kernel, cgroup.Address);
                CpuUsage sum = own.Bstat.Usage;
                int cpus = kernel.PerCpu.PossibleCpus;
                foreach (CgroupNode below in cgroup.AllDescendants)
                {
                    CgroupStat stat = CgroupStat.At(kernel, below.Address);
                    if (below.Address != cgroup.Address) sum += stat.Bstat.Usage - stat.LastBstat.Usage;
                    kernel.TakeSteps(cpus);
                    for (int cpu = 0; cpu < cpus; cpu++)
                    {
                        CgroupCpuStat noted = CgroupCpuStat.At(kernel, kernel.PerCpu.Address(stat.RstatCpu, cpu));
                        sum += noted.Bstat.Usage - noted.LastBstat.Usage;
                    }
                }

                return sum.Adjusted(own.ShownUser, own.ShownSystem);
            }
        }
    }
}

/// <summary>Nanoseconds of CPU time.</summary>
/// <param name="Total">Exact, as the scheduler measures it.</param>
/// <param name="User">The share of programs.</param>
/// <param name="System">The share of the kernel on behalf of them.</param>
public readonly record struct CpuUsage(ulong Total, ulong User, ulong System)
{
    public static CpuUsage operator +(CpuUsage left, CpuUsage right) => new(left.Total + right.Total, left.User + right.User, left.System + right.System);

    public static CpuUsage operator -(CpuUsage left, CpuUsage right) => new(left.Total - right.Total, left.User - right.User, left.System - right.System);

    /// <summary>
    /// The total divided as user and system were counted, which is by ticks unless the kernel measures them: cputime_adjust,
    /// kernel/sched/cputime.c. Neither falls below what was shown already.
    /// </summary>
    public CpuUsage Adjusted(ulong shownUser, ulong shownSystem)
    {
        if (shownUser + shownSystem >= Total) return new CpuUsage(Total, shownUser, shownSystem);
        ulong system = System == 0 ? 0 : User == 0 ? Total : (ulong)UInt128.Min((UInt128)System * Total / ((UInt128)System + User), Total);
        system = Math.Max(system, shownSystem);
        ulong user = Total - system;
        return user < shownUser ? new CpuUsage(Total, shownUser, Total - shownUser) : new CpuUsage(Total, user, system);
    }
}

/// <summary>A cgroup's CPU time (include/linux/cgroup-defs.h).</summary>
[KernelStruct("cgroup")]
public readonly partial record struct CgroupStat
{
    /// <summary>What its processors note; apart from what its controllers note since v6.16.</summary>
    [Field("rstat_base_cpu", "rstat_cpu")] public partial GuestVirtualAddress RstatCpu { get; }

    /// <summary>Carried up to it so far.</summary>
    [Embedded] public partial CgroupBaseStat Bstat { get; }

    /// <summary>Carried up to its parent of that.</summary>
    [Embedded] public partial CgroupBaseStat LastBstat { get; }

    /// <summary>What its cpu.stat showed last.</summary>
    [Field("prev_cputime.utime")] public partial ulong ShownUser { get; }

    [Field("prev_cputime.stime")] public partial ulong ShownSystem { get; }
}

[KernelStruct("cgroup_rstat_base_cpu", "cgroup_rstat_cpu")]
public readonly partial record struct CgroupCpuStat
{
    /// <summary>Noted so far.</summary>
    [Embedded] public partial CgroupBaseStat Bstat { get; }

    /// <summary>Carried up of that.</summary>
    [Embedded] public partial CgroupBaseStat LastBstat { get; }
}

[KernelStruct("cgroup_base_stat")]
public readonly partial record struct CgroupBaseStat
{
    [Field("cputime.utime")] private partial ulong User { get; }

    [Field("cputime.stime")] private partial ulong System { get; }

    [Field("cputime.sum_exec_runtime")] private partial ulong Total { get; }

    public CpuUsage Usage => new(Total, User, System);
}
