using Watari.Introspection;
using Watari.Introspection.Kernel;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// What one capture may cost in all. Each walk is bounded by itself; a guest could still make many of them, each as long as its
/// bound. One that reaches the budget ends with a <see cref="KernelWalkException"/>.
/// </summary>
internal sealed class CaptureBudget(GuestKernel kernel)
{
    private readonly IntrospectionLimits _limits = kernel.Limits;
    private long _objects = kernel.Limits.CaptureObjects;
    private long _bytes = kernel.Limits.LookBytes;
    private long _pages = kernel.Limits.PageTableEntries;
    private long _runs = kernel.Limits.CaptureRuns;

    /// <summary>Processes, threads, signals, areas, files, watches, packets, slots of pipes, verdicts.</summary>
    public void TakeObjects(long count) => Take(ref _objects, count, _limits.CaptureObjects, "objects");

    /// <summary>What is copied beside the pages: what stands unread in queues, registers, groups.</summary>
    public void TakeBytes(long count) => Take(ref _bytes, count, _limits.LookBytes, "bytes beside its pages");

    /// <summary>Pages, those that several have in common once for each.</summary>
    public void TakePages(ulong count) => Take(ref _pages, (long)Math.Min(count, long.MaxValue), _limits.PageTableEntries, "pages");

    /// <summary>Runs of pages that are remembered.</summary>
    public void TakeRuns(long count) => Take(ref _runs, count, _limits.CaptureRuns, "runs of pages");

    private static void Take(ref long left, long count, long limit, string what)
    {
        if (count > left) throw new KernelWalkException("capture", $"there are more {what} than one takes ({limit})");
        left -= count;
    }
}
