using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Kernel;
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

    private FrozenTasks(TaskSelection selection, HashSet<FrozenTask> tasks, HashSet<FrozenTask> frozenByUs)
    {
        Selection = selection;
        _tasks = tasks;
        FrozenByUs = frozenByUs;
    }

    public TaskSelection Selection { get; }

    /// <summary>Every thread, by its id in the guest's first pid namespace.</summary>
    public IReadOnlyCollection<FrozenTask> Tasks => _tasks;

    /// <summary>Those that had not been frozen before (by <c>podman pause</c>, say) and that a thaw lets go.</summary>
    internal IReadOnlySet<FrozenTask> FrozenByUs { get; }

    /// <summary>Proof for tasks that somebody in the guest has frozen: the agent, a runtime, a restore that stands still.</summary>
    /// <exception cref="FreezeException">They are not all frozen, or there are none.</exception>
    public static FrozenTasks Observe(StillGuest still, TaskSelection selection) => Prove(still, selection, new HashSet<FrozenTask>());

    /// <summary>
    /// Takes over tasks that an earlier run of this program froze and did not thaw: <see cref="OutsideFreezer"/> thaws all of
    /// them. Not for tasks that the guest itself has frozen.
    /// </summary>
    /// <exception cref="FreezeException">They are not all frozen, or there are none.</exception>
    public static FrozenTasks Adopt(StillGuest still, TaskSelection selection)
    {
        FrozenTasks found = Observe(still, selection);
        return new FrozenTasks(selection, found._tasks, found._tasks);
    }

    /// <summary>Checks that they are still the same tasks, all frozen and off their processors, and none has joined them.</summary>
    /// <exception cref="FreezeException">They are not.</exception>
    public void Revalidate(StillGuest still)
    {
        ThrowIfSpent();
        FrozenTasks now = Prove(still, Selection, FrozenByUs);
        if (now._tasks.SetEquals(_tasks)) return;
        string come = string.Join(", ", now._tasks.Except(_tasks).Select(task => task.Pid));
        string gone = string.Join(", ", _tasks.Except(now._tasks).Select(task => task.Pid));
        throw new FreezeException(FreezeFailure.NoLongerFrozen,
            $"The tasks of {Selection} have changed while they were frozen: come [{come}], gone [{gone}].");
    }

    internal static FrozenTasks Prove(StillGuest still, TaskSelection selection, IReadOnlySet<FrozenTask> frozenByUs)
    {
        List<TaskStruct> tasks = selection.Collect(still.Kernel);
        if (tasks.Count == 0) throw new FreezeException(FreezeFailure.NoTasks, $"There are no tasks in {selection}.");
        foreach (TaskStruct task in tasks)
        {
            if (!task.StandsStill)
                throw new FreezeException(FreezeFailure.NoLongerFrozen, $"Task {task.Pid} ({task.Comm}) of {selection} is not frozen.");
        }
        HashSet<FrozenTask> all = [.. tasks.Select(FrozenTask.Of)];
        return new FrozenTasks(selection, all, frozenByUs.Where(all.Contains).ToHashSet());
    }

    /// <summary>After a thaw or a kill it proves nothing any more.</summary>
    internal void Spend() => _spent = true;

    internal void ThrowIfSpent()
    {
        if (_spent) throw new FreezeException(FreezeFailure.NoLongerFrozen, $"The tasks of {Selection} have been thawed or ended.");
    }
}
