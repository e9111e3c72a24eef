using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing;

/// <summary>The tasks that belong together and are frozen, moved and ended as one.</summary>
public abstract record TaskSelection
{
    private TaskSelection()
    {
    }

    /// <summary>Every thread in a cgroup of the unified hierarchy or below it.</summary>
    /// <param name="Path">From the root of the hierarchy, for instance <c>/system.slice/docker-ID.scope</c>.</param>
    public sealed record OfCgroup(string Path) : TaskSelection
    {
        public override string ToString() => $"cgroup {Path}";

        internal override void CollectFrom(GuestKernel kernel, List<TaskStruct> tasks)
        {
            // Whether a cgroup lies below the path, by its address: there are few, and many tasks in each.
            Dictionary<GuestVirtualAddress, bool> known = [];
            foreach (TaskStruct process in kernel.Processes)
            {
                if (process.IsKernelThread) continue;
                foreach (TaskStruct thread in process.Threads)
                {
                    Ptr<Cgroup> cgroup = thread.Cgroups.Value.DflCgrp;
                    if (!known.TryGetValue(cgroup.Address, out bool belongs))
                        known[cgroup.Address] = belongs = IsAtOrBelow(cgroup.Value.Path);
                    if (belongs) tasks.Add(thread);
                }
            }
        }

        private bool IsAtOrBelow(string path)
        {
            string wanted = Path.TrimEnd('/');
            return path.StartsWith(wanted, StringComparison.Ordinal) && (path.Length == wanted.Length || path[wanted.Length] == '/');
        }
    }

    /// <summary>Every thread of a process and of its descendants. Those whose parent has ended have left the tree.</summary>
    /// <param name="Tgid">The process, by its id in the guest's first pid namespace.</param>
    public sealed record OfProcessTree(int Tgid) : TaskSelection
    {
        public override string ToString() => $"process tree {Tgid}";

        internal override void CollectFrom(GuestKernel kernel, List<TaskStruct> tasks)
        {
            foreach (TaskStruct process in kernel.Processes)
            {
                if (process.IsKernelThread || !Descends(process)) continue;
                foreach (TaskStruct thread in process.Threads) tasks.Add(thread);
            }
        }

        private bool Descends(TaskStruct process)
        {
            for (int depth = 0; depth < process.Kernel.Limits.Entries; depth++)
            {
                if (process.Tgid == Tgid) return true;
                if (process.Tgid <= 1 || !process.RealParent.TryGet(out TaskStruct parent)) return false;
                process = parent.GroupLeader.Value;
            }
            throw new KernelWalkException("task_struct.real_parent", "the chain of parents does not end");
        }
    }

    /// <summary>The selected threads that have not ended. On a running guest the view may tear; what it finds, is or was there.</summary>
    /// <exception cref="KernelWalkException">The walk went astray: look again.</exception>
    /// <remarks>Exiting ones are among them: they are gone in a moment, and until then hold what they own.</remarks>
    internal List<TaskStruct> Collect(GuestKernel kernel)
    {
        List<TaskStruct> tasks = [];
        CollectFrom(kernel, tasks);
        tasks.RemoveAll(task => task.HasExited);
        return tasks;
    }

    internal abstract void CollectFrom(GuestKernel kernel, List<TaskStruct> tasks);
}
