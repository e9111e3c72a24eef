using Watari.Checkpoint.Freezing;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Containers;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Migration;

/// <summary>What a job is about: a container, or a tree of processes. Named by what stays the same while the guest runs on.</summary>
/// <param name="Container">The container; null for a tree.</param>
/// <param name="Root">Its first process.</param>
internal sealed record Target(GuestContainer? Container, TaskStruct Root)
{
    /// <summary>Its tasks.</summary>
    /// <remarks>Of a container that only cgroups of version 1 tell, those of its first process: its cgroup of version 2 is the root, where all tasks are.</remarks>
    public TaskSelection Tasks => Container is { LegacyCgroupPath: null } container
        ? new TaskSelection.OfCgroup(container.CgroupPath)
        : new TaskSelection.OfProcessTree(Root.Pid);

    /// <summary>Tells it from a later one of the same name or pid (see <see cref="SourcePlan.StartTime"/>).</summary>
    public ulong StartTime => Root.StartBoottime;

    /// <exception cref="EngineException">There is no such container or process, or it cannot be moved by itself.</exception>
    public static Target Find(GuestVm vm, WorkloadId workload)
    {
        if (workload.Container is { } id)
        {
            GuestContainer container = Containers.Find(vm, id);
            return new Target(container, container.Init);
        }

        int pid = workload.Pid ?? throw new EngineException(FailureKind.Internal, "A workload is a container or a process.");
        if (LiveView.Look(vm.Kernel(), look => look.TryFindProcess(pid, out TaskStruct found) ? found : (TaskStruct?)null) is not { } process)
            throw new EngineException(FailureKind.NotFound, $"There is no process {pid} in VM '{vm.Name}'.");
        if (process.IsKernelThread || pid == 1)
            throw new EngineException(FailureKind.Refused, $"Process {pid} ({process.Comm}) of VM '{vm.Name}' is the guest's own and cannot be moved.");
        return new Target(null, process);
    }

    /// <summary>The very workload that a plan was made of; null where it has ended, though another may have its name or pid by now.</summary>
    public static Target? FindAgain(GuestVm vm, WorkloadId workload, SourceTasks tasks)
    {
        try
        {
            // That it is gone is only believed of a guest that stands still: a walk along a list that changes may end early.
            using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
            Target found = Find(vm, workload);
            return found.StartTime == tasks.StartTime ? found : null;
        }
        catch (EngineException e) when (e.Kind is FailureKind.NotFound or FailureKind.Refused)
        {
            return null;
        }
    }

    /// <summary>Bytes of its processes' own memory: anonymous pages, and those of private mappings that were written.</summary>
    public long ResidentBytes(GuestKernel kernel)
    {
        PageCount pages = PageCount.Zero;
        foreach (TaskStruct process in Tasks.Processes(kernel))
        {
            if (!process.Mm.TryGet(out MmStruct mm)) continue;
            AddressSpace space = mm.AddressSpace;
            foreach (VmAreaStruct area in mm.Areas)
            {
                if (area.AnonVma.IsNull && !area.IsShared) continue;
                foreach (PageRun run in space.PageRuns(area.Range, PageFlags.None))
                {
                    if (run.Kind == PageRunKind.Present) pages += run.Count;
                }
            }
        }

        return pages.Bytes;
    }

    /// <summary>How many objects a capture looks at: threads, areas of memory, descriptors.</summary>
    public int Objects(GuestKernel kernel)
    {
        int objects = 0;
        foreach (TaskStruct process in Tasks.Processes(kernel))
        {
            objects += process.Signal.Value.NrThreads;
            if (process.Mm.TryGet(out MmStruct mm)) objects += mm.MapCount;
            if (!process.Files.TryGet(out FilesStruct files)) continue;
            foreach (OpenFile _ in files.Open) objects++;
        }

        return objects;
    }

    /// <summary>Bytes of the pages that several of its processes have in common copy-on-write: what it would grow by if each got pages of its own.</summary>
    public long SharedCopyOnWriteBytes(GuestKernel kernel)
    {
        List<(ulong First, ulong End)> frames = [];
        foreach (TaskStruct process in Tasks.Processes(kernel))
        {
            if (!process.Mm.TryGet(out MmStruct mm)) continue;
            AddressSpace space = mm.AddressSpace;
            foreach (VmAreaStruct area in mm.Areas)
            {
                if (area.AnonVma.IsNull || area.IsShared || !area.VmFile.IsNull) continue;
                foreach (PageRun run in space.PageRuns(area.Range, PageFlags.None))
                {
                    if (run.Kind != PageRunKind.Present) continue;
                    kernel.TakeBytes(2 * sizeof(ulong));
                    frames.Add((run.Physical.Frame.Value, run.Physical.Frame.Value + (ulong)run.Count.Value));
                }
            }
        }

        frames.Sort();
        ulong shared = 0;
        ulong seen = 0;
        foreach ((ulong first, ulong end) in frames)
        {
            if (first < seen) shared += Math.Min(end, seen) - first;
            seen = Math.Max(seen, end);
        }

        return new PageCount((long)shared).Bytes;
    }
}
