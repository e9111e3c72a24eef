using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>The processors that run, and which of them will look at its work first.</summary>
internal static class OnlineCpus
{
    public static IEnumerable<int> Of(GuestKernel kernel)
    {
        GuestVirtualAddress mask = kernel.Symbols.Find("__cpu_online_mask");
        for (int cpu = 0; cpu < kernel.PerCpu.PossibleCpus; cpu++)
        {
            if ((kernel.AddressSpace.Read<byte>(mask + (ulong)cpu / 8) >> (cpu % 8) & 1) != 0) yield return cpu;
        }
    }

    /// <summary>
    /// A processor that is busy, for it ticks within milliseconds; among several, the one whose timer is due first. One that
    /// idles without a tick may sleep for long: then the one that a kick interrupts, or else the one whose timer is due first.
    /// </summary>
    /// <param name="kernel">Standing still.</param>
    /// <param name="kicked">The processor that a kick interrupts; null when there is nobody to kick.</param>
    public static (int Cpu, bool IsBusy) QuickestToWork(GuestKernel kernel, int? kicked)
    {
        (bool Busy, long Due, int Cpu) best = (false, long.MaxValue, 0);
        foreach (int cpu in Of(kernel))
        {
            var queue = RunQueue.At(kernel, kernel.PerCpu.Address("runqueues", cpu));
            bool busy = queue.Curr != queue.Idle;
            long due = TickDevice.At(kernel, kernel.PerCpu.Address("tick_cpu_device", cpu)).Evtdev.TryGet(out ClockEventDevice timer) ? timer.NextEvent : long.MaxValue;
            if (busy == best.Busy ? due < best.Due : busy) best = (busy, due, cpu);
        }
        return (best.Busy ? best.Cpu : kicked ?? best.Cpu, best.Busy);
    }
}
