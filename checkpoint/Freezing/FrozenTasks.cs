using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing;

/// <summary>
/// Proof that all tasks of a selection stood still, off their processors, at a moment when the guest did; asked for by
/// everything that reads or writes them. They stay so unless the guest itself kills, moves or joins tasks:
/// <see cref="Revalidate"/> tells.
/// </summary>
public sealed class FrozenTasks
{
    private readonly HashSet<FrozenTask> _tasks;
    private volatile bool _spent;

    private FrozenTasks(TaskSelection selection, HashSet<FrozenTask> tasks)
    {
        Selection = selection;
        _tasks = tasks;
    }

    public TaskSelection Selection { get; }

    /// <summary>Every thread, by its id in the guest's first pid namespace.</summary>
    public IReadOnlyCollection<FrozenTask> Tasks => _tasks;

    /// <summary>
    /// Proof for tasks that stand still already: frozen by the agent, a runtime or a restore in the guest, or from outside by
    /// an earlier run of this program.
    /// </summary>
    /// <exception cref="FreezeException">They are not all frozen, or there are none.</exception>
    public static FrozenTasks Observe(StillGuest still, TaskSelection selection)
    {
        List<TaskStruct> tasks = selection.Threads(still.Kernel);
        if (tasks.Count == 0) throw new FreezeException(FreezeFailure.NoTasks, $"There are no tasks in {selection}: the container has ended, or never ran in this VM.");
        foreach (TaskStruct task in tasks)
        {
            if (!task.StandsStill)
                throw new FreezeException(FreezeFailure.NoLongerFrozen, $"Task {task.Pid} ({task.Comm}) of {selection} is not frozen.");
        }
        return new FrozenTasks(selection, [.. tasks.Select(FrozenTask.Of)]);
    }

    /// <summary>Whether there are tasks in the selection, and all of them stand still.</summary>
    public static bool AreAllFrozen(StillGuest still, TaskSelection selection)
    {
        List<TaskStruct> tasks = selection.Threads(still.Kernel);
        return tasks.Count > 0 && tasks.TrueForAll(static task => task.StandsStill);
    }

    /// <summary>
    /// Whether nobody rebuilds the memory of a task just now. Khugepaged does so with frozen tasks too, and a pause in the middle
    /// shows memory as absent that is not: let the guest run on for a moment, and look again.
    /// </summary>
    public bool HaveSettledMemory(StillGuest still)
    {
        ArgumentNullException.ThrowIfNull(still);
        return Selection.Processes(still.Kernel).All(process => !(process.Mm.TryGet(out MmStruct mm) && mm.MmapLock is { IsWriteLocked: true }));
    }

    /// <summary>Checks that they are still the same tasks, all frozen and off their processors, and none has joined them.</summary>
    /// <exception cref="FreezeException">They are not.</exception>
    public void Revalidate(StillGuest still)
    {
        ThrowIfSpent();
        FrozenTasks now = Observe(still, Selection);
        if (now._tasks.SetEquals(_tasks)) return;
        string come = string.Join(", ", now._tasks.Except(_tasks).Select(task => task.Pid));
        string gone = string.Join(", ", _tasks.Except(now._tasks).Select(task => task.Pid));
        throw new FreezeException(FreezeFailure.NoLongerFrozen,
            $"The tasks of {Selection} have changed while they were frozen: come [{come}], gone [{gone}].");
    }

    /// <summary>After a thaw or a kill it proves nothing any more.</summary>
    internal void Spend() => _spent = true;

    internal void ThrowIfSpent()
    {
        if (_spent) throw new FreezeException(FreezeFailure.NoLongerFrozen, $"The tasks of {Selection} have been thawed or ended.");
    }
}
