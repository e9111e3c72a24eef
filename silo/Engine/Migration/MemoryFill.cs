using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Restore;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// Brings the memory into a skeleton: the agent makes the pages present without knowing what they shall hold, the host writes them,
/// and what the guest then holds must have the source's hash.
/// </summary>
internal sealed class MemoryFill(GuestVm vm, GuestAgentClient agent, StepKey key, PageStore pages, EngineThreads threads)
{
    private static readonly TimeSpan s_touch = TimeSpan.FromSeconds(120);

    /// <summary>How often pages that are not there when they shall be written are touched again.</summary>
    private const int Rounds = 4;

    public async Task RunAsync(RestoreResult restored, PhaseClock clock, CancellationToken cancellationToken)
    {
        Dictionary<ProcessPids, ReceivedMemory> memories = [];
        foreach (ProcessPids process in restored.Processes)
        {
            var memory = new ReceivedMemory(pages, SpaceOf(process));
            if (!memories.TryAdd(process, memory))
                throw new EngineException(FailureKind.RestoreFailed, $"The agent in VM '{vm.Name}' names process {process.Container} twice.");
            await TouchAsync(process, [.. Enumerable.Range(0, memory.Runs).Select(run => RangeOf(memory[run]))], 0, cancellationToken);
        }

        if (pages.Spaces.Where(ImagePages.IsOfProcess).Except(restored.Processes.Select(SpaceOf)).FirstOrDefault() is { Value: not 0 } stranger)
            throw new EngineException(FailureKind.RestoreFailed, $"Pages came for process {stranger.Value}, which the skeleton in VM '{vm.Name}' does not have.");
        clock.Lap("touch");

        FrozenTasks frozen = await threads.RunAsync(() => Prove(restored.Cgroup), cancellationToken);
        foreach ((ProcessPids process, ReceivedMemory memory) in memories)
        {
            await FillAsync(frozen, process, memory, cancellationToken);
            if (memory.Digest != pages.DigestOf(SpaceOf(process)))
            {
                throw new EngineException(
                    FailureKind.RestoreFailed,
                    $"The memory of process {process.Container} in VM '{vm.Name}' is not what was read at the source (its hash differs).");
            }
        }

        clock.Lap("memwrite");
    }

    private async Task FillAsync(FrozenTasks frozen, ProcessPids process, ReceivedMemory memory, CancellationToken cancellationToken)
    {
        var writer = new InPlaceWriter(vm.Kernel(), vm.Writer, vm.Cpus);
        for (int round = 1; ; round++)
        {
            InPlaceResult result = await threads.RunAsync(() => writer.Write(frozen, process.Guest.Value, memory, cancellationToken), cancellationToken);
            if (result.Missing.Count == 0) return;
            if (round == Rounds)
            {
                throw new EngineException(
                    FailureKind.RestoreFailed,
                    $"{result.Missing.Sum(range => range.Pages.Value)} pages of process {process.Container} in VM '{vm.Name}' could not be made its own, the first at {result.Missing[0].Start}; --memory landing-zone does not need that.");
            }

            memory.Keep(result.Missing);
            await TouchAsync(process, [.. result.Missing.Select(range => new PageRange(range.Start.Value, (ulong)range.Pages.Value))], round, cancellationToken);
        }
    }

    private async Task TouchAsync(ProcessPids process, PageRange[] ranges, int round, CancellationToken cancellationToken)
    {
        for (int first = 0; first < ranges.Length; first += TouchRequest.MaxRanges)
        {
            await agent.TouchAsync(
                key.AgentStep($"touch-{process.Container}-{round}-{first}"),
                process.Guest,
                ranges.AsMemory(first, Math.Min(TouchRequest.MaxRanges, ranges.Length - first)),
                s_touch,
                cancellationToken);
        }
    }

    private FrozenTasks Prove(string cgroup)
    {
        using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
        return FrozenTasks.Observe(still, new TaskSelection.OfCgroup(cgroup));
    }

    private static AddressSpaceId SpaceOf(ProcessPids process) => new((uint)process.Container.Value);

    private static PageRange RangeOf(PagesToWrite run) => new(run.Start.Value, (ulong)run.Count.Value);
}
