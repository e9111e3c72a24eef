using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Pauses;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Restore;

/// <summary>
/// Writes the memory of frozen processes from outside the guest. It writes only while the guest stands still, for short spans of
/// time, and walks the page tables anew in each: a running kernel moves pages, even those of frozen tasks.
/// </summary>
/// <param name="kernel">The destination's kernel.</param>
/// <param name="memory">The right to write its memory.</param>
/// <param name="cpus">Its processors.</param>
/// <param name="limits">How long it may be kept still.</param>
public sealed class InPlaceWriter(GuestKernel kernel, GuestMemoryWriter memory, IVcpuControl cpus, PauseLimits? limits = null)
{
    /// <summary>Writes the pages of one process.</summary>
    /// <param name="frozen">Proof that the process stands still; looked at again in each pause.</param>
    /// <param name="tgid">The process, by its id in the guest's first pid namespace.</param>
    /// <param name="pages">What to write.</param>
    /// <param name="cancellationToken">Looked at between pauses.</param>
    /// <exception cref="FreezeException">The tasks are no longer the same, or not frozen.</exception>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public InPlaceResult Write(FrozenTasks frozen, int tgid, IPagesToWrite pages, CancellationToken cancellationToken)
    {
        ShortPauses pauses = new(kernel, cpus, limits ?? PauseLimits.Default);
        InPlaceWrite write = new(memory, new BulkReader(kernel.Memory), pages);
        pauses.Run(
            still =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                frozen.Revalidate(still);
                write.Enter(MemoryOf(still.Kernel, frozen, tgid), new ExclusivePages(still.Kernel));
            },
            write.Step);
        return new InPlaceResult(write.Written, write.Missing, pauses.Totals);
    }

    private static AddressSpace MemoryOf(GuestKernel kernel, FrozenTasks frozen, int tgid)
    {
        foreach (FrozenTask task in frozen.Tasks)
        {
            if (task.Pid == tgid) return TaskStruct.At(kernel, task.Address).Mm.Value.AddressSpace;
        }

        throw new FreezeException(FreezeFailure.NoLongerFrozen, $"Process {tgid} is not among the frozen tasks of {frozen.Selection}.");
    }
}
