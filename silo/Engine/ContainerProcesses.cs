using System.Collections.Immutable;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Accounting;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Silo.Engine;

/// <summary>What ps(1) would tell of a container's processes, read from its VM's memory while it runs.</summary>
internal static class ContainerProcesses
{
    private const int Most = 1 << 16; // what a message carries

    /// <exception cref="EngineException">The container has ended.</exception>
    /// <exception cref="TornViewException">Each look at the running guest led astray.</exception>
    public static IReadOnlyList<ProcessDescription> Describe(GuestContainer container)
    {
        ImmutableArray<ProcessDescription> processes = LiveView.Look(container.Init.Kernel, look => Describe(container.In(look), GuestClocks.Read(look)));
        return processes.IsEmpty ? throw new EngineException(FailureKind.NotFound, $"Container '{container.Id}' has ended.") : processes;
    }

    private static ImmutableArray<ProcessDescription> Describe(GuestContainer container, GuestClocks clocks) =>
    [
        .. container.Processes().Take(Most).Select(process => new ProcessDescription(
            process.Pid,
            process.ThreadPid.Value.IdIn(container.PidNamespace) ?? 0,
            process.RealParent.TryGet(out TaskStruct parent) ? parent.Tgid : 0,
            process.Cred.Value.Euid,
            TaskStates.Letter(process.State, (uint)process.ExitState),
            process.Signal.Value.NrThreads,
            Nanoseconds(CpuTime(process)),
            DateTimeOffset.UnixEpoch + Nanoseconds((ulong)Math.Max(0, clocks.Realtime - clocks.Boottime + (long)process.StartBoottime)),
            process.Mm.TryGet(out MmStruct mm) ? MmUsage.Of(mm).Resident.Bytes : 0,
            Containers.CommandOf(process))),
    ];

    private static ulong CpuTime(TaskStruct process)
    {
        ulong time = process.Signal.Value.SumSchedRuntime;
        foreach (TaskStruct thread in process.Threads) time += TaskUsage.Of(thread).SumExecRuntime;
        return time;
    }

    internal static TimeSpan Nanoseconds(ulong count) => TimeSpan.FromTicks((long)(count / TimeSpan.NanosecondsPerTick));
}
