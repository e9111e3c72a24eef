using System.Text;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;

namespace Watari.Benchmarks.SecondOpinion;

/// <summary>Watari's account of a guest that stands still: the same facts that look.py has drgn read.</summary>
internal static class FromOutside
{
    public static IReadOnlyList<TaskFacts> Tasks(GuestKernel kernel)
    {
        List<TaskFacts> tasks = [];
        foreach (TaskStruct process in kernel.Processes)
        {
            foreach (TaskStruct task in process.Threads)
            {
                tasks.Add(new TaskFacts(
                    task.Address.Value, task.Pid, task.Tgid, task.RealParent.Value.Tgid, task.Comm.ToString(), task.State, task.ExitState, task.Flags, task.StaticPrio,
                    task.StartTime, task.Utime, task.Stime, task.Mm.Address.Value));
            }
        }
        return tasks;
    }

    public static IReadOnlyList<AreaFacts> Areas(GuestKernel kernel)
    {
        List<AreaFacts> areas = [];
        HashSet<GuestVirtualAddress> seen = [];
        foreach (TaskStruct process in kernel.Processes)
        {
            // A leader that has ended has none; its threads may go on.
            foreach (TaskStruct task in process.Threads)
            {
                if (!task.Mm.TryGet(out MmStruct mm) || !seen.Add(mm.Address)) continue;
                foreach (VmAreaStruct area in mm.Areas) areas.Add(Facts(mm, area));
            }
        }
        return areas;
    }

    private static AreaFacts Facts(MmStruct mm, VmAreaStruct area)
    {
        AreaFacts facts = new(mm.Address.Value, area.VmStart.Value, area.VmEnd.Value, (ulong)area.VmFlags, area.VmPgoff, SDev: 0, IIno: 0, Path: "");
        if (!area.VmFile.TryGet(out FileStruct file)) return facts;
        InodeStruct inode = file.FInode.Value;
        return facts with
        {
            SDev = inode.ISb.Value.SDev,
            IIno = inode.IIno,
            Path = Encoding.UTF8.GetString(file.FPath.Dentry.Value.PathInFileSystem.Span),
        };
    }
}
