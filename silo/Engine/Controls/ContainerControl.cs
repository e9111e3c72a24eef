using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Migration;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Controls;

/// <summary>
/// What docker and podman do with pause, unpause and kill, done to a container by the host or by the agent in its VM. Both leave the same
/// state behind, that of the container's cgroup, so that each undoes what the other, or a runtime, has done.
/// </summary>
internal sealed class ContainerControl(EngineThreads threads, TimeProvider time)
{
    private static readonly TimeSpan s_freeze = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_thaw = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_signal = TimeSpan.FromSeconds(5);

    /// <exception cref="EngineException">It runs no more, or is paused already; or not all of it stood still in time: it runs on then.</exception>
    public Task<EngineReport> PauseAsync(StepKey key, GuestVm vm, WorkloadId workload, Actor by, CancellationToken cancellationToken) =>
        DoAsync("freeze", vm, workload, async container =>
        {
            if (await threads.RunAsync(() => container.IsPaused(vm), cancellationToken))
                throw new EngineException(FailureKind.Refused, $"Container '{container.Id}' in VM '{vm.Name}' is paused already.");
            if (by == Actor.Agent)
            {
                string cgroup = container.RequireCgroups()[0];
                await (await vm.AgentAsync(cancellationToken)).FreezeAsync(key.AgentStep(), cgroup, s_freeze, cancellationToken);
            }
            else if (container.HasTasksAlone)
            {
                await threads.RunAsync(() => vm.Freezer().Freeze(container.Tasks, s_freeze), cancellationToken);
            }
            else
            {
                await threads.RunAsync(() => vm.Freezer().Pause(container.Cgroups[0], s_freeze), cancellationToken);
            }

            return null;
        }, cancellationToken);

    /// <exception cref="EngineException">It runs no more, or is not paused; or it is not known to run again.</exception>
    public Task<EngineReport> UnpauseAsync(StepKey key, GuestVm vm, WorkloadId workload, Actor by, CancellationToken cancellationToken) =>
        DoAsync("thaw", vm, workload, async container =>
        {
            if (!await threads.RunAsync(() => container.IsPausedInPart(vm), cancellationToken))
                throw new EngineException(FailureKind.Refused, $"Container '{container.Id}' in VM '{vm.Name}' is not paused.");
            if (by == Actor.Agent)
            {
                IReadOnlyList<string> cgroups = container.RequireCgroups();
                GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
                foreach (string cgroup in cgroups) await agent.ThawAsync(key.AgentStep(), cgroup, s_thaw, cancellationToken);
            }
            else if (container.HasTasksAlone)
            {
                await threads.RunAsync(() => vm.Freezer().Thaw(container.Tasks, s_thaw), cancellationToken);
            }
            else
            {
                await threads.RunAsync(() => vm.Freezer().Unpause(container.Cgroups, s_thaw), cancellationToken);
            }

            return null;
        }, cancellationToken);

    /// <exception cref="EngineException">It runs no more, or cannot be sent this signal so.</exception>
    public Task<EngineReport> KillAsync(StepKey key, GuestVm vm, WorkloadId workload, Signal signal, Actor by, CancellationToken cancellationToken) =>
        DoAsync("kill", vm, workload, container => (by, signal.IsKill) switch
        {
            (Actor.Agent, _) => SendByAgentAsync(key, vm, container, signal, cancellationToken),
            (_, true) => EndAsync(key, vm, container, cancellationToken),
            _ => SendAsync(vm, container, signal, cancellationToken),
        }, cancellationToken);

    private static async Task<ObjectVerdict?> SendByAgentAsync(StepKey key, GuestVm vm, ControlledContainer container, Signal signal, CancellationToken cancellationToken)
    {
        string cgroup = container.RequireCgroups()[0];
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        if (!agent.Agent.Features.Contains("kill"))
            throw new EngineException(FailureKind.Refused, $"The agent in VM '{vm.Name}' is of version {agent.Agent.AgentVersion} and cannot send signals yet: install the one of this host's version, or leave it to the host (--by outside).");
        await agent.KillAsync(key.AgentStep(), cgroup, new GuestPid(container.Init.Pid), signal.Number, s_signal, cancellationToken);
        return null;
    }

    private async Task<ObjectVerdict?> EndAsync(StepKey key, GuestVm vm, ControlledContainer container, CancellationToken cancellationToken)
    {
        await new SourceFreezer(vm, key, Freezer.Outside, threads).KillAsync(new Target(container.Container, container.Init), cancellationToken);
        return null;
    }

    private async Task<ObjectVerdict?> SendAsync(GuestVm vm, ControlledContainer container, Signal signal, CancellationToken cancellationToken)
    {
        SignalFate fate = await threads.RunAsync(() => vm.Freezer().Signal(container.Init, signal.Number, s_signal), cancellationToken);
        return fate == SignalFate.Sent ? null
            : new ObjectVerdict(VerdictKind.CarriedWithHelp, $"pid {container.Init.Pid}", $"ignores {signal}, or has no handler for it as a container's first process must: nothing happens");
    }

    private async Task<EngineReport> DoAsync(
        string phase, GuestVm vm, WorkloadId workload, Func<ControlledContainer, Task<ObjectVerdict?>> act, CancellationToken cancellationToken)
    {
        await vm.MustRunAsync(cancellationToken);
        ControlledContainer container = await threads.RunAsync(() => ControlledContainer.Find(vm, workload), cancellationToken);
        var clock = new PhaseClock(time);
        ObjectVerdict? note = await act(container);
        clock.Lap(phase);
        return new EngineReport([.. clock.Phases], Objections: note is null ? null : [note]);
    }
}
