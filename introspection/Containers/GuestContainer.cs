using Watari.Introspection.Cgroups;
using Watari.Introspection.Tasks;

namespace Watari.Introspection.Containers;

/// <summary>Who made a container, by the name of its cgroup and the state that the runtime keeps.</summary>
public enum ContainerRuntime
{
    /// <summary>Something with a pid namespace of its own, of no runtime that is known here.</summary>
    Unknown,
    Runc,
    Podman,
    Docker,
    Containerd,
}

/// <summary>A container as the guest's kernel knows it: the processes of one pid namespace below the guest's first.</summary>
public sealed record GuestContainer
{
    /// <summary>The runtime's id for it.</summary>
    public required string Id { get; init; }

    public required ContainerRuntime Runtime { get; init; }

    /// <summary>Of its first process, from the root of cgroup v2; the root itself for a container of a guest that uses version 1 alone.</summary>
    public required string CgroupPath { get; init; }

    /// <summary>Its cgroup in a hierarchy of version 1, where only that tells that it is a container; else null.</summary>
    public string? LegacyCgroupPath { get; init; }

    /// <summary>Its first process: pid 1 of its pid namespace.</summary>
    public required TaskStruct Init { get; init; }

    /// <summary>struct pid_namespace *: whoever has an id in it is of the container.</summary>
    public required GuestVirtualAddress PidNamespace { get; init; }

    /// <summary>Where the OCI bundle lies in the guest, as the runtime wrote it down; null where that cannot be read.</summary>
    public string? Bundle { get; init; }

    /// <summary>
    /// Its cgroup of version 2: that of its first process, or the one above it that its runtime named after it, where the runtime or
    /// the container itself has put its processes further down.
    /// </summary>
    public CgroupNode Cgroup
    {
        get
        {
            CgroupNode own = CgroupNode.At(Init.Kernel, Init.Cgroups.Value.DflCgrp.Address);
            // These name the last directory of the path.
            if (Runtime is ContainerRuntime.Unknown or ContainerRuntime.Runc) return own;
            CgroupNode cgroup = own;
            for (int depth = 0; !cgroup.Cgroup.Kn.Value.Name.ToString().Contains(Id, StringComparison.Ordinal); depth++)
            {
                if (!cgroup.Self.Parent.TryGet(out CgroupState parent)) return own;
                if (depth == Init.Kernel.Limits.Depth) throw Init.Kernel.Astray(cgroup.Address, "cgroup.self", $"the cgroup is nested more than {depth} deep");
                cgroup = parent.Cgroup.Value;
            }

            return cgroup;
        }
    }

    /// <summary>The same container for another look.</summary>
    public GuestContainer In(GuestKernel look) => this with { Init = look.At<TaskStruct>(Init.Address) };

    /// <summary>Its processes by their leaders, first of them its init; those of pid namespaces nested in it too.</summary>
    public IEnumerable<TaskStruct> Processes()
    {
        foreach (TaskStruct process in Init.Kernel.Processes)
        {
            if (process.ExitState == 0 && process.ThreadPid.TryGet(out PidStruct pid) && pid.IdIn(PidNamespace) is not null) yield return process;
        }
    }
}
