using System.Collections.Immutable;
using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Controls;

/// <summary>A container that is to be paused, unpaused or killed, named by what stays the same while the guest runs on.</summary>
/// <param name="Cgroups">Of version 2: the one that its runtime freezes, and those on the way down to its first process; none for a container of version 1.</param>
internal sealed record ControlledContainer(GuestContainer Container, ImmutableArray<string> Cgroups)
{
    public string Id => Container.Id;

    /// <summary>Its first process.</summary>
    public TaskStruct Init => Container.Init;

    /// <summary>Whether its tasks alone can be frozen, for it has no cgroup of version 2 of its own.</summary>
    public bool HasTasksAlone => Cgroups.IsEmpty;

    public TaskSelection Tasks => HasTasksAlone ? new TaskSelection.OfProcessTree(Init.Pid) : new TaskSelection.OfCgroup(Cgroups[0]);

    /// <exception cref="EngineException">It does not run in the VM.</exception>
    public static ControlledContainer Find(GuestVm vm, WorkloadId workload)
    {
        string id = workload.Container ?? throw new EngineException(FailureKind.Refused, "Only a container can be paused, unpaused and killed.");
        GuestContainer container = Containers.Find(vm, id);
        return new ControlledContainer(container, LiveView.Look(container.Init.Kernel, look => CgroupsOf(container.In(look))));
    }

    /// <summary>The cgroup for an agent to work on.</summary>
    /// <exception cref="EngineException">It has none.</exception>
    public IReadOnlyList<string> RequireCgroups() => HasTasksAlone
        ? throw new EngineException(FailureKind.Refused, $"Container '{Id}' has no cgroup of version 2 of its own for an agent to work on: leave it to the host (--by outside).")
        : Cgroups;

    /// <summary>Whether all of it stands still, as a pause leaves it.</summary>
    public bool IsPaused(GuestVm vm)
    {
        using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
        return FrozenTasks.AreAllFrozen(still, Tasks) && (HasTasksAlone || Container.In(still.Kernel).Cgroup.IsToBeFrozen);
    }

    /// <summary>Whether anything of it is frozen, or is to be: also what a pause that was cut short has left.</summary>
    public bool IsPausedInPart(GuestVm vm)
    {
        using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
        GuestContainer seen = Container.In(still.Kernel);
        return seen.Processes().Any(process => process.Frozen) || (!HasTasksAlone && (seen.Cgroup.IsToBeFrozen || CgroupNode.At(still.Kernel, seen.Init.Cgroups.Value.DflCgrp.Address).IsToBeFrozen));
    }

    private static ImmutableArray<string> CgroupsOf(GuestContainer container)
    {
        if (container.LegacyCgroupPath is not null) return [];
        string path = container.Cgroup.Cgroup.Path;
        ImmutableArray<string>.Builder paths = ImmutableArray.CreateBuilder<string>();
        paths.Add(path);
        string below = container.CgroupPath.StartsWith(path + "/", StringComparison.Ordinal) ? container.CgroupPath[path.Length..] : "";
        foreach (string part in below.Split('/', StringSplitOptions.RemoveEmptyEntries)) paths.Add(path = $"{path}/{part}");
        return paths.ToImmutable();
    }
}
