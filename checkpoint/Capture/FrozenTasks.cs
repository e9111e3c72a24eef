using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture;

/// <summary>
/// Proof that a container stands still: its tasks are in the kernel's freezer, off the CPU, and the guest is paused while one
/// looks. Only from this can a container be captured.
/// </summary>
public sealed class FrozenTasks
{
    private FrozenTasks(StillGuest guest, IReadOnlyList<TaskStruct> processes)
    {
        Guest = guest;
        Processes = processes;
    }

    public StillGuest Guest { get; }

    /// <summary>The leaders, a parent before its children.</summary>
    public IReadOnlyList<TaskStruct> Processes { get; }

    /// <summary>Looks at each thread of the selection.</summary>
    /// <exception cref="TasksNotFrozenException">There is none, or one runs.</exception>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public static FrozenTasks Of(StillGuest guest, TaskSelection selection)
    {
        ArgumentNullException.ThrowIfNull(guest);
        ArgumentNullException.ThrowIfNull(selection);
        IReadOnlyList<TaskStruct> processes = selection.Find(guest.Kernel);
        if (!processes.Any(process => process.ExitState == 0))
            throw new TasksNotFrozenException($"No task is in {selection}: the container has ended, or never ran in this VM.");
        foreach (TaskStruct thread in processes.SelectMany(ThreadsOf))
        {
            if (thread.ExitState == 0 && (!thread.Frozen || thread.OnCpu != 0))
                throw new TasksNotFrozenException($"{CaptureContext.NameOf(thread)} is not in the freezer: freeze the container first.");
        }
        return new FrozenTasks(guest, processes);
    }

    private static List<TaskStruct> ThreadsOf(TaskStruct process)
    {
        var threads = new List<TaskStruct>();
        foreach (TaskStruct thread in process.Threads)
            threads.Add(thread);
        return threads;
    }
}

/// <summary>A container was to be captured that does not stand still. Nothing of it was changed.</summary>
public sealed class TasksNotFrozenException(string message) : InvalidOperationException(message);
