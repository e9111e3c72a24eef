using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Pauses;
using Watari.Checkpoint.Skeleton;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture;

/// <summary>Takes pages while the guest stands still; what it wants to keep of them it copies.</summary>
public interface IPageTaker
{
    /// <param name="pid">The process, by its number in the container.</param>
    /// <param name="start">Address of the first page.</param>
    /// <param name="contents">A whole number of pages, at most <see cref="FrozenPageReader.MostPages"/>.</param>
    void Take(int pid, GuestVirtualAddress start, ReadOnlySpan<byte> contents);

    /// <summary>The same for pages that are gone because nothing but zeroes was in them.</summary>
    void TakeZeroes(int pid, GuestVirtualAddress start, PageCount count);
}

/// <summary>
/// Reads the memory of frozen processes out of a guest. The guest stands still for short spans of time only, and the page
/// tables are walked anew in each: a running kernel moves pages, even those of frozen tasks.
/// </summary>
/// <param name="kernel">The guest's kernel.</param>
/// <param name="cpus">Its processors.</param>
/// <param name="limits">How long it may be kept still.</param>
public sealed class FrozenPageReader(GuestKernel kernel, IVcpuControl cpus, PauseLimits? limits = null)
{
    /// <summary>What is handed over at once: half a MiB is copied in a fraction of a millisecond.</summary>
    public const int MostPages = 128;

    /// <summary>How often pages that are on their way from one frame to another are looked for again.</summary>
    private const int Rounds = 200;

    /// <summary>From which round on a page that was absent each time is believed to be gone.</summary>
    private const int RoundsUntilGone = 20;

    /// <summary>Reads all pages of the fills, each once, in no order that could be relied on.</summary>
    /// <param name="frozen">Proof that the processes stand still; looked at again in each pause.</param>
    /// <param name="fills">What to read, as a capture under the same proof found it.</param>
    /// <param name="taker">Who takes them.</param>
    /// <param name="cancellationToken">Looked at between pauses.</param>
    /// <returns>What it cost the guest.</returns>
    /// <exception cref="FreezeException">The tasks are no longer the same, or not frozen.</exception>
    /// <exception cref="PagesNotInMemoryException">Some have gone to swap meanwhile.</exception>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public PauseTotals Read(FrozenTasks frozen, IReadOnlyList<ProcessFill> fills, IPageTaker taker, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frozen);
        ArgumentNullException.ThrowIfNull(fills);
        ArgumentNullException.ThrowIfNull(taker);
        ShortPauses pauses = new(kernel, cpus, limits ?? PauseLimits.Default);
        BulkReader memory = new(kernel.Memory);
        IReadOnlyList<FrozenPages> left = FrozenPages.Of(fills);
        for (int round = 0; left.Count > 0; round++)
        {
            if (round == Rounds) throw new PagesNotInMemoryException(left[0].Pid, left[0].Start);
            FrozenPageRead read = new(memory, left, taker, believeAbsent: round >= RoundsUntilGone);
            pauses.Run(
                still =>
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    frozen.Revalidate(still);
                    read.Enter(SpacesOf(still.Kernel, frozen));
                },
                read.Step);
            left = read.Later;
        }

        return pauses.Totals;
    }

    private static Dictionary<int, AddressSpace?> SpacesOf(GuestKernel kernel, FrozenTasks frozen)
    {
        Dictionary<int, AddressSpace?> spaces = [];
        GuestVirtualAddress? numbers = null;
        foreach (TaskStruct process in frozen.Selection.Processes(kernel))
        {
            if (process.ExitState != 0) continue;
            numbers ??= process.ThreadPid.Value.Innermost.Ns;
            if (process.Mm.TryGet(out MmStruct mm) && process.ThreadPid.Value.IdIn(numbers.Value) is { } pid)
                spaces[pid] = mm.MmapLock is { IsWriteLocked: true } ? null : mm.AddressSpace;
        }

        return spaces;
    }
}

/// <summary>A page of a frozen process was in memory when it was looked for, and is not now.</summary>
public sealed class PagesNotInMemoryException(int pid, GuestVirtualAddress address)
    : Exception($"The page at {address} of process {pid} has left the memory while the process was being read, for swap or on its way to another place. Free memory in its VM, or turn swap off there, and try again.");
