using Watari.Containers;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Vms;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;
using EngineContainer = Watari.GuestAgent.Protocol.EngineContainer;

namespace Watari.Silo.Engine.Controls;

/// <summary>A container that the agent in its VM is to have its own engine do something with.</summary>
/// <param name="Target">As the agent is told of it.</param>
/// <param name="State">As it was when it was looked for.</param>
internal sealed record ContainerOfEngine(EngineContainer Target, ContainerState State)
{
    /// <summary>Something of it lives, or is about to be started again.</summary>
    public bool IsAlive => Target.Process is not null || State is ContainerState.Running or ContainerState.Paused or ContainerState.Restarting or ContainerState.Stopping;

    /// <exception cref="EngineException">There is none of that id in the VM, or its engine cannot be asked for anything.</exception>
    public static Task<ContainerOfEngine> FindAsync(VmLooks looks, string vm, string id, CancellationToken cancellationToken) => looks.TakeAsync(vm, look =>
    {
        FoundContainer found = look.Inventory().Containers.FirstOrDefault(container => container.Id == id)
            ?? throw new EngineException(FailureKind.NotFound, $"There is no container '{id}' in VM '{vm}'.");
        ContainerEngine engine = found.Runtime switch
        {
            ContainerRuntime.Docker => ContainerEngine.Docker,
            ContainerRuntime.Podman => ContainerEngine.Podman,
            ContainerRuntime.Runc or ContainerRuntime.Containerd => ContainerEngine.Runc,
            _ => throw new EngineException(FailureKind.Refused, $"Who runs container '{id}' in VM '{vm}' is not known, and so not whom to ask: from outside there are 'watari pause' and 'watari kill'."),
        };
        if (!ContainerId.TryParse(id, out ContainerId name)) throw new EngineException(FailureKind.Refused, $"'{id}' is not a container id that an engine takes.");
        return new ContainerOfEngine(new EngineContainer(engine, name, CgroupOf(found), found.RootPid is { } pid ? new GuestPid(pid) : null), found.State);
    }, cancellationToken);

    /// <summary>The agent of the VM, where it can do what is asked.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="feature">What it must be able to do, by the word that it has for it.</param>
    /// <param name="otherwise">What a person can do without it: a sentence.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: none answers, or it cannot.</exception>
    public static async Task<GuestAgentClient> AgentAsync(GuestVm vm, string feature, string otherwise, CancellationToken cancellationToken)
    {
        GuestAgentClient agent;
        try
        {
            await vm.DescribeAsync(cancellationToken); // one that was connected long ago may have died since
            agent = await vm.AgentAsync(cancellationToken);
        }
        catch (EngineException e) when (e.Kind == FailureKind.Refused && e.InnerException is { } why)
        {
            throw new EngineException(
                FailureKind.Refused, $"No guest agent answers in VM '{vm.Name}', by which alone a container's own engine can be asked: {why.Message} Start watari-agent in the guest, on the virtio-serial port org.watari.agent.0. {otherwise}", e);
        }

        if (agent.Agent.Features.Contains(feature)) return agent;
        throw new EngineException(
            FailureKind.Refused, $"The agent in VM '{vm.Name}' is of version {agent.Agent.AgentVersion} and cannot do this yet: install the one of this host's version. {otherwise}");
    }

    /// <summary>Null of one that does not run, or has none of version 2 of its own.</summary>
    private static string? CgroupOf(FoundContainer found)
    {
        if (found.Live is not { LegacyCgroupPath: null } live) return null;
        try
        {
            return LiveView.Look(live.Init.Kernel, look => live.In(look).Cgroup.Cgroup.Path) is { Length: > 1 } path ? path : null;
        }
        catch (IntrospectionException)
        {
            return null; // it has ended since it was found
        }
    }
}
