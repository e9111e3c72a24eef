using Watari.Introspection;
using Watari.Introspection.Kernel;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// What one capture may cost in all. Each walk is bounded by itself; a guest could still make many of them, each as long as its
/// bound. One that reaches the budget ends with a <see cref="KernelWalkException"/>.
/// </summary>
internal sealed class CaptureBudget(GuestKernel kernel)
{
    /// <summary>Bytes of all files that travel whole in images of their own (of tmpfs, deleted ones): they are packed in this host's memory.</summary>
    public const ulong MostContents = 512UL << 20;

    private readonly IntrospectionLimits _limits = kernel.Limits;
    private ulong _contents = MostContents;
    private long _objects = kernel.Limits.CaptureObjects;
    private long _bytes = kernel.Limits.LookBytes;
    private long _pages = kernel.Limits.PageTableEntries;
    private long _runs = kernel.Limits.CaptureRuns;

    /// <summary>Processes, threads, signals, areas, files, watches, packets, slots of pipes, verdicts.</summary>
    public void TakeObjects(long count) => Take(ref _objects, count, _limits.CaptureObjects, "objects");

    /// <summary>What is remembered beside the pages: what stands unread in queues, filters of sockets, names in tmpfs, the words of verdicts.</summary>
    public void TakeBytes(long count) => Take(ref _bytes, count, _limits.LookBytes, "bytes beside its pages");

    /// <summary>Pages, those that several have in common once for each.</summary>
    public void TakePages(ulong count) => Take(ref _pages, (long)Math.Min(count, long.MaxValue), _limits.PageTableEntries, "pages");

    /// <summary>Runs of pages that are remembered.</summary>
    public void TakeRuns(long count) => Take(ref _runs, count, _limits.CaptureRuns, "runs of pages");

    /// <summary>The contents of a file that travels whole, holes and all. Ordinary containers may have too much of it, so this is no error.</summary>
    /// <returns>False where there is no room for it, nor for any that comes after.</returns>
    public bool TryTakeContents(ulong bytes)
    {
        bool fits = bytes <= _contents;
        _contents = fits ? _contents - bytes : 0;
        return fits;
    }

    private static void Take(ref long left, long count, long limit, string what)
    {
        if (count > left) throw new KernelWalkException("capture", $"there are more {what} than one takes ({limit})");
        left -= count;
    }
}
