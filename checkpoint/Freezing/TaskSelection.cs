using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing;

/// <summary>The tasks that belong together and are frozen, captured, moved and ended as one.</summary>
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

        private protected override Predicate<TaskStruct> Holds()
        {
            // Whether a cgroup lies below the path, by its address: there are few, and many tasks in each.
            Dictionary<GuestVirtualAddress, bool> known = [];
            return thread =>
            {
                Ptr<Cgroup> cgroup = thread.Cgroups.Value.DflCgrp;
                if (!known.TryGetValue(cgroup.Address, out bool belongs))
                    known[cgroup.Address] = belongs = IsAtOrBelow(cgroup.Value.Path);
                return belongs;
            };
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

        private protected override Predicate<TaskStruct> Holds() => thread => Descends(thread.GroupLeader.Value);

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

    /// <summary>Every thread of one process.</summary>
    /// <param name="Tgid">By its id in the guest's first pid namespace.</param>
    public sealed record OfProcess(int Tgid) : TaskSelection
    {
        public override string ToString() => $"process {Tgid}";

        private protected override Predicate<TaskStruct> Holds() => thread => thread.Tgid == Tgid;
    }

    /// <summary>
    /// The leaders of the selected processes, zombies too, a parent before its children: the kernel lists them as they were
    /// started. On a running guest the view may tear.
    /// </summary>
    /// <exception cref="KernelWalkException">The walk went astray: look again.</exception>
    public IReadOnlyList<TaskStruct> Processes(GuestKernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        Predicate<TaskStruct> holds = Holds();
        List<TaskStruct> processes = [];
        foreach (TaskStruct process in kernel.Processes)
        {
            if (!process.IsKernelThread && holds(process)) processes.Add(process);
        }
        return processes;
    }

    /// <summary>The selected threads that have not ended. On a running guest the view may tear; what it finds, is or was there.</summary>
    /// <exception cref="KernelWalkException">The walk went astray: look again.</exception>
    /// <remarks>Exiting ones are among them: they are gone in a moment, and until then hold what they own.</remarks>
    internal List<TaskStruct> Threads(GuestKernel kernel)
    {
        Predicate<TaskStruct> holds = Holds();
        List<TaskStruct> threads = [];
        foreach (TaskStruct process in kernel.Processes)
        {
            if (process.IsKernelThread) continue;
            foreach (TaskStruct thread in process.Threads)
            {
                if (!thread.HasExited && holds(thread)) threads.Add(thread);
            }
        }
        return threads;
    }

    /// <summary>Whether a thread is selected; made anew for each look, for it remembers what it has seen.</summary>
    private protected abstract Predicate<TaskStruct> Holds();
}
