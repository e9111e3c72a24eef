using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture;

/// <summary>Which tasks are a container: those of a cgroup and of the cgroups in it, or a process with all that descend from it.</summary>
public abstract record TaskSelection
{
    private TaskSelection()
    {
    }

    /// <summary>The tasks of a cgroup, by its path from the hierarchy's root, and of those in it.</summary>
    public sealed record OfCgroup(string Path) : TaskSelection;

    /// <summary>A process, by its number in the guest's first pid namespace, and its descendants.</summary>
    public sealed record OfProcess(int Pid) : TaskSelection;

    /// <summary>The leaders of the selected processes, a parent before its children (the kernel lists them as they were started).</summary>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public IReadOnlyList<TaskStruct> Find(GuestKernel kernel)
    {
        var found = new List<TaskStruct>();
        var ids = new HashSet<int>();
        foreach (TaskStruct process in kernel.Processes)
        {
            if (process.IsKernelThread || !Holds(process, ids))
                continue;
            ids.Add(process.Tgid);
            found.Add(process);
        }
        return found;
    }

    private bool Holds(TaskStruct process, HashSet<int> chosen) => this switch
    {
        OfProcess tree => process.Tgid == tree.Pid || chosen.Contains(process.RealParent.Value.Tgid),
        OfCgroup cgroup => IsWithin(process.Cgroups.Value.DflCgrp.Value.Path, cgroup.Path),
        _ => false,
    };

    private static bool IsWithin(string path, string cgroup) =>
        path == cgroup || path.StartsWith(cgroup.TrimEnd('/') + "/", StringComparison.Ordinal);
}
