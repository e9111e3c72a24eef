using System.Collections.Immutable;
using System.Diagnostics;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Accounting;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Silo.Engine;

/// <summary>What the cgroups of a VM's containers have used, read from its memory while it runs.</summary>
internal static class ContainerUsages
{
    public static UsageSample Read(GuestKernel kernel, VmId vm)
    {
        var pressure = new PressureAccounting(kernel);
        long memory = kernel.MemoryInfo.Total;
        ImmutableArray<ContainerUsage> containers = [.. kernel.FindContainers().Select(container => Read(container, pressure, memory))];
        return new UsageSample(vm, Stopwatch.GetElapsedTime(0), containers);
    }

    private static ContainerUsage Read(GuestContainer container, PressureAccounting pressure, long memoryOfVm)
    {
        CgroupNode cgroup = container.Cgroup;
        // All tasks of a guest with cgroups of version 1 alone are in the root of version 2, which keeps nothing of any of them.
        if (cgroup.Level == 0) return new ContainerUsage(container.Id, container.Id, null, null, null, null, null, null, null);
        MemoryCgroup? memory = cgroup.Cgroup.Memory;
        return new ContainerUsage(
            container.Id,
            container.Id,
            cgroup.CpuUsage is { } cpu ? ContainerProcesses.Nanoseconds(cpu.Total) : null,
            memory is { } charged ? Bytes(charged.Usage) : null,
            memory is { } limited ? Math.Min(Bytes(limited.Max), memoryOfVm) : null,
            cgroup.Cgroup.Pids?.Counter,
            Some(PressureResource.Cpu),
            Some(PressureResource.Memory),
            Some(PressureResource.Io));

        double? Some(PressureResource resource) => pressure.Of(cgroup, resource)?.Some.Average10;
    }

    /// <summary>Not more than can be: the guest may say anything.</summary>
    private static long Bytes(ulong pages) => (long)Math.Min(pages, MemoryCgroup.Unlimited) << GuestPage.Shift;
}
