using System.Diagnostics;
using Watari.Introspection.Kernel;

namespace Watari.Checkpoint.Pauses;

/// <summary>
/// Does work on a guest in pauses of bounded length. Nothing that was learnt about addresses in one pause is true in the
/// next: pages move (khugepaged, compaction) whenever the guest runs.
/// </summary>
internal sealed class ShortPauses(GuestKernel kernel, IVcpuControl cpus, PauseLimits limits)
{
    /// <summary>Of all calls of <see cref="Run"/> so far.</summary>
    public PauseTotals Totals { get; private set; }

    /// <param name="enter">At the start of each pause: learn what is needed anew.</param>
    /// <param name="step">A small piece of work; false when there is no more.</param>
    public void Run(Action<StillGuest> enter, Func<bool> step)
    {
        bool more = true;
        while (more)
        {
            // Not a wait for anything: this is the time that the guest's other work gets.
            if (Totals.Count > 0) Thread.Sleep(limits.Between);
            using StillGuest still = StillGuest.Pause(kernel, cpus);
            long began = Stopwatch.GetTimestamp();
            enter(still);
            do more = step();
            while (more && Stopwatch.GetElapsedTime(began) < limits.LongestPause);
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            Totals = new PauseTotals(Totals.Count + 1, Totals.Total + took, took > Totals.Longest ? took : Totals.Longest);
        }
    }
}
