using Watari.Introspection.Kernel;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// What one capture may cost in all. Each walk is bounded by itself; a guest could still make many of them, each as long as its
/// bound. One that reaches the budget ends with a <see cref="KernelWalkException"/>.
/// </summary>
internal sealed class CaptureBudget(GuestKernel kernel)
{
    private const long MaxObjects = 1 << 22;
    private const long MaxBytes = 256 << 20;
    private const int MaxRuns = 1 << 22;

    private long _objects = MaxObjects;
    private long _bytes = MaxBytes;
    private long _pages = kernel.Limits.PageTableEntries;
    private long _runs = MaxRuns;

    /// <summary>Files, watches, packets, slots of pipes.</summary>
    public void TakeObjects(long count) => Take(ref _objects, count, MaxObjects, "objects");

    /// <summary>What stands unread in queues and is copied.</summary>
    public void TakeBytes(long count) => Take(ref _bytes, count, MaxBytes, "unread bytes");

    /// <summary>Entries of page caches that are looked at.</summary>
    public void TakePages(long count) => Take(ref _pages, count, kernel.Limits.PageTableEntries, "pages of shared memory");

    /// <summary>Runs of pages that are remembered.</summary>
    public void TakeRuns(long count) => Take(ref _runs, count, MaxRuns, "runs of pages");

    private static void Take(ref long left, long count, long limit, string what)
    {
        left -= count;
        if (left < 0) throw new KernelWalkException("files", $"there are more {what} than a capture takes ({limit})");
    }
}
