using Watari.Containers;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Controls;

/// <summary>
/// What docker stop and podman stop do, done by them: the agent in the VM asks the container's own engine, whose record and restart policy
/// then are as they should be. Of a container of runc the agent does what they would.
/// </summary>
internal sealed class ContainerStop(VmLooks looks, TimeProvider time)
{
    /// <summary>Where the time until SIGKILL is the container's own: what an engine may be given.</summary>
    private static readonly TimeSpan s_ownPatience = TimeSpan.FromMinutes(10);

    /// <summary>For all but that time.</summary>
    private static readonly TimeSpan s_work = TimeSpan.FromSeconds(60);

    /// <exception cref="EngineException">There is none, no agent answers, or its engine could not.</exception>
    public async Task<EngineReport> StopAsync(StepKey key, GuestVm vm, WorkloadId workload, StopOptions options, CancellationToken cancellationToken)
    {
        string id = workload.Container ?? throw new EngineException(FailureKind.Refused, "Only a container can be stopped.");
        await vm.MustRunAsync(cancellationToken);
        ContainerOfEngine container = await ContainerOfEngine.FindAsync(looks, vm.Name, id, cancellationToken);
        var clock = new PhaseClock(time);
        ObjectVerdict? note = container.IsAlive
            ? await StopAsync(key, vm, container, options, cancellationToken)
            : new ObjectVerdict(VerdictKind.CarriedWithHelp, "it", $"did not run: it is {container.State.ToString().ToLowerInvariant()}");
        clock.Lap("stop");
        return new EngineReport([.. clock.Phases], Objections: note is null ? null : [note]);
    }

    private static async Task<ObjectVerdict?> StopAsync(StepKey key, GuestVm vm, ContainerOfEngine container, StopOptions options, CancellationToken cancellationToken)
    {
        // Podman gives a paused one its signal, says that it cannot clean up after it, and loses sight of it.
        if (container is { State: ContainerState.Paused, Target.Engine: ContainerEngine.Podman })
            throw new EngineException(FailureKind.Refused, $"Container '{container.Target.Container}' in VM '{vm.Name}' is paused, and podman stops none that is: unpause it first ('watari unpause').");
        GuestAgentClient agent = await ContainerOfEngine.AgentAsync(
            vm, "stop", "'watari kill -s TERM' and 'watari kill' end a container from outside, without its engine.", cancellationToken);
        int? seconds = options.Patience is { } patience ? (int)Math.Ceiling(patience.TotalSeconds) : null;
        StopResult stopped = await agent.StopAsync(key.AgentStep(), container.Target, options.Signal?.Number, seconds, s_work + (options.Patience ?? s_ownPatience), cancellationToken);
        return stopped.WasKilled ? new ObjectVerdict(VerdictKind.CarriedWithHelp, "it", "did not end in time, and was killed") : null;
    }
}
