using System.Text;
using Watari.Introspection.Accounting;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Benchmarks.SecondOpinion;

/// <summary>Watari's account of a guest that stands still: the same facts that look.py has drgn read.</summary>
internal static class FromOutside
{
    public static List<TaskFacts> Tasks(GuestKernel kernel)
    {
        List<TaskFacts> tasks = [];
        foreach (TaskStruct process in kernel.Processes)
        {
            foreach (TaskStruct task in process.Threads)
            {
                var usage = TaskUsage.Of(task);
                tasks.Add(new TaskFacts(
                    task.Address.Value, task.Pid, task.Tgid, task.RealParent.Value.Tgid, task.Comm.ToString(), task.State, task.ExitState, task.Flags, task.StaticPrio,
                    task.StartBoottime, usage.Utime, usage.Stime, task.Mm.Address.Value));
            }
        }
        return tasks;
    }

    /// <returns>The areas without their paths, and of each its file, which may be null.</returns>
    public static (List<AreaFacts> Areas, List<Ptr<FileStruct>> Files) Areas(GuestKernel kernel)
    {
        List<AreaFacts> areas = [];
        List<Ptr<FileStruct>> files = [];
        HashSet<GuestVirtualAddress> seen = [];
        foreach (TaskStruct process in kernel.Processes)
        {
            // A leader that has ended has no memory any more; its threads may go on.
            foreach (TaskStruct task in process.Threads)
            {
                if (!task.Mm.TryGet(out MmStruct mm) || !seen.Add(mm.Address)) continue;
                foreach (VmAreaStruct area in mm.Areas)
                {
                    InodeStruct? inode = area.VmFile.TryGet(out FileStruct file) ? file.FInode.Value : null;
                    areas.Add(new AreaFacts(
                        mm.Address.Value, area.VmStart.Value, area.VmEnd.Value, (ulong)area.VmFlags, area.VmPgoff, inode?.ISb.Value.SDev ?? 0, inode?.IIno ?? 0, Path: ""));
                    files.Add(area.VmFile);
                }
            }
        }
        return (areas, files);
    }

    public static List<string> Paths(List<Ptr<FileStruct>> files) =>
        [.. files.Select(pointer => pointer.TryGet(out FileStruct file) ? Encoding.UTF8.GetString(file.FPath.Dentry.Value.PathInFileSystem.Span) : "")];
}
