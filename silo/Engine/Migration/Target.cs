using Watari.GrainInterfaces.Model;
using Watari.Introspection.Containers;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;
using Watari.Silo.Engine.Vms;
using CapturedTasks = Watari.Checkpoint.Capture.TaskSelection;
using FreezableTasks = Watari.Checkpoint.Freezing.TaskSelection;

namespace Watari.Silo.Engine.Migration;

/// <summary>What a job is about: a container, or a tree of processes. Named by what stays the same while the guest runs on.</summary>
/// <param name="Container">The container; null for a tree.</param>
/// <param name="Root">Its first process, by its id in the guest's first pid namespace.</param>
internal sealed record Target(GuestContainer? Container, int Root)
{
    /// <summary>Whom to freeze, thaw and kill.</summary>
    public FreezableTasks ToFreeze =>
        Container is { } container ? new FreezableTasks.OfCgroup(container.CgroupPath) : new FreezableTasks.OfProcessTree(Root);

    /// <summary>Whom to capture.</summary>
    public CapturedTasks ToCapture =>
        Container is { } container ? new CapturedTasks.OfCgroup(container.CgroupPath) : new CapturedTasks.OfProcess(Root);

    /// <exception cref="EngineException">There is no such container or process, or it cannot be moved by itself.</exception>
    public static Target Find(GuestVm vm, WorkloadId workload)
    {
        if (workload.Container is { } id)
        {
            GuestContainer container = Containers.Find(vm, id);
            return new Target(container, container.Init.Pid);
        }

        int pid = workload.Pid ?? throw new EngineException(FailureKind.Internal, "A workload is a container or a process.");
        if (!vm.Kernel().TryFindProcess(pid, out TaskStruct process))
            throw new EngineException(FailureKind.NotFound, $"There is no process {pid} in VM '{vm.Name}'.");
        if (process.IsKernelThread || pid == 1)
            throw new EngineException(FailureKind.Refused, $"Process {pid} ({process.Comm}) of VM '{vm.Name}' is the guest's own and cannot be moved.");
        return new Target(null, pid);
    }

    /// <summary>Bytes of its processes' own memory: anonymous pages, and those of private mappings that were written.</summary>
    public long ResidentBytes(GuestKernel kernel)
    {
        PageCount pages = PageCount.Zero;
        foreach (TaskStruct process in Processes(kernel))
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
        foreach (TaskStruct process in Processes(kernel))
        {
            objects += process.Signal.Value.NrThreads;
            if (process.Mm.TryGet(out MmStruct mm)) objects += mm.MapCount;
            if (!process.Files.TryGet(out FilesStruct files)) continue;
            foreach (OpenFile _ in files.Open) objects++;
        }

        return objects;
    }

    private IEnumerable<TaskStruct> Processes(GuestKernel kernel)
    {
        if (Container is { } container)
        {
            foreach (TaskStruct process in container.Processes()) yield return process;
            yield break;
        }

        HashSet<int> tree = [Root];
        foreach (TaskStruct process in kernel.Processes)
        {
            // In the order of their start: a parent comes before its children.
            if (!tree.Contains(process.Tgid) && !(process.RealParent.TryGet(out TaskStruct parent) && tree.Contains(parent.Tgid))) continue;
            tree.Add(process.Tgid);
            yield return process;
        }
    }
}
