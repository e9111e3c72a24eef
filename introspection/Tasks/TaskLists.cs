using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>
/// The guest's processes: <c>foreach (TaskStruct process in kernel.Processes)</c>,
/// and of each its threads: <c>foreach (TaskStruct thread in process.Threads)</c>.
/// </summary>
public static class TaskLists
{
    extension(GuestKernel kernel)
    {
        /// <summary>The first task (swapper, pid 0), head of the list of all processes.</summary>
        public TaskStruct InitTask => kernel.Global<TaskStruct>("init_task");

        /// <summary>All processes by their leaders, in the order of their start, without swapper: for_each_process.</summary>
        public ListEntries<TaskStruct> Processes => kernel.InitTask.Tasks.Entries<TaskStruct>(static task => task.Tasks);

        /// <summary>The process with this id in the guest's first pid namespace.</summary>
        public bool TryFindProcess(int tgid, out TaskStruct process)
        {
            foreach (TaskStruct candidate in kernel.Processes)
            {
                if (candidate.Tgid != tgid) continue;
                process = candidate;
                return true;
            }

            process = default;
            return false;
        }
    }
}
