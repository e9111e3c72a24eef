using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Migration;

/// <summary>Freezes, thaws and ends a job's workload at its source, in the way that was asked for.</summary>
internal sealed class SourceFreezer(GuestVm vm, StepKey key, Freezer freezer, EngineThreads threads)
{
    private static readonly TimeSpan s_freeze = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_thaw = TimeSpan.FromSeconds(20);

    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: this workload cannot be frozen so in this VM. Nothing was touched.</exception>
    public async Task CheckAsync(Target target, CancellationToken cancellationToken)
    {
        // Also what an agent has frozen is killed from outside: a kernel that cannot be worked on so is refused before anything is touched.
        await threads.RunAsync(vm.Freezer, cancellationToken);
        if (freezer == Freezer.Outside) return;
        await vm.AgentAsync(cancellationToken);
        CgroupOf(target);
    }

    /// <summary>From here on no thread of the workload runs.</summary>
    public async Task<FrozenTasks> FreezeAsync(Target target, CancellationToken cancellationToken)
    {
        if (freezer == Freezer.Outside) return await threads.RunAsync(() => vm.Freezer().Freeze(target.Tasks, s_freeze), cancellationToken);
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        await agent.FreezeAsync(key.AgentStep(), CgroupOf(target), s_freeze, cancellationToken);
        return await threads.RunAsync(() => Observe(target), cancellationToken);
    }

    /// <summary>The workload runs again, whatever of it was frozen.</summary>
    public async Task ThawAsync(Target target, CancellationToken cancellationToken)
    {
        if (freezer == Freezer.Agent)
        {
            GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
            await agent.ThawAsync(key.AgentStep(), CgroupOf(target), s_thaw, cancellationToken);
        }
        else
        {
            await threads.RunAsync(() => vm.Freezer().Thaw(target.Tasks, s_thaw), cancellationToken);
        }
    }

    /// <summary>The workload ends without having run again.</summary>
    public Task KillAsync(Target target, CancellationToken cancellationToken) =>
        threads.RunAsync(
            () =>
            {
                OutsideFreezer outside = vm.Freezer();
                try
                {
                    outside.Kill(ObserveOrFreeze(outside, target), s_thaw);
                }
                catch (FreezeException e) when (e.Failure == FreezeFailure.NoTasks)
                {
                    // All have ended; a zombie may wait for its parent.
                }
            },
            cancellationToken);

    /// <summary>Somebody in the guest may have thawed it meanwhile: what runs of it must not run on beside its copy.</summary>
    private FrozenTasks ObserveOrFreeze(OutsideFreezer outside, Target target)
    {
        try
        {
            return Observe(target);
        }
        catch (FreezeException e) when (e.Failure == FreezeFailure.NoLongerFrozen)
        {
            return outside.Freeze(target.Tasks, s_freeze);
        }
    }

    private FrozenTasks Observe(Target target)
    {
        using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
        return FrozenTasks.Observe(still, target.Tasks);
    }

    private static string CgroupOf(Target target) => target.Container is { LegacyCgroupPath: null } container
        ? container.CgroupPath
        : throw new EngineException(FailureKind.Refused, "It has no cgroup of version 2 of its own that an agent could freeze; freeze it from outside.");
}
