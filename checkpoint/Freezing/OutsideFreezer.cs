using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing;

/// <summary>
/// Freezes, thaws and ends tasks of a guest with nothing of ours inside it. It sets the words that the kernel's own cgroup
/// freezer sets, while the guest stands still for a moment, and has sleepers woken by the kernel's own code.
/// </summary>
/// <remarks>
/// One for each guest. Its calls block for milliseconds, at worst until their deadlines: they belong on a thread of the
/// engine. What a task does in the kernel is finished first; one in an uninterruptible sleep delays a freeze.
/// </remarks>
public sealed partial class OutsideFreezer
{
    private static readonly TimeSpan s_undo = TimeSpan.FromSeconds(5);

    private readonly GuestKernel _kernel;
    private readonly GuestMemoryWriter _memory;
    private readonly TaskSwitches _switches;
    private readonly WakeSlots _slots;
    private readonly FreezerRounds _rounds;
    private readonly Lock _lock = new();

    /// <exception cref="FreezeException">This kernel cannot be frozen from outside; the message says why.</exception>
    public OutsideFreezer(GuestKernel kernel, GuestMemoryWriter memory, IVcpuControl cpus, IGuestKick? kick = null)
    {
        _kernel = kernel;
        _memory = memory;
        (_switches, _slots) = FreezeSupport.Require(kernel);
        _rounds = new FreezerRounds(kernel, memory, cpus, _slots, kick is null ? null : new Kicker(kernel, kick));
    }

    /// <summary>Freezes all tasks of a selection, those too that they start meanwhile. The guest runs on.</summary>
    /// <exception cref="FreezeException">There are none, or one did not stand still before the deadline; all run on then.</exception>
    public FrozenTasks Freeze(TaskSelection selection, TimeSpan deadline)
    {
        FrozenTasks frozen = FreezeAndHold(selection, deadline, out StillGuest still);
        still.Dispose();
        return frozen;
    }

    /// <summary>The same, and leaves the guest standing still for the capture that follows, which spares a stop.</summary>
    /// <param name="selection">Whom to freeze.</param>
    /// <param name="deadline">From now.</param>
    /// <param name="still">To be disposed by the caller.</param>
    public FrozenTasks FreezeAndHold(TaskSelection selection, TimeSpan deadline, out StillGuest still)
    {
        lock (_lock)
        {
            bool asked = false;
            StillGuest? held = null;
            try
            {
                (bool reached, held) = _rounds.Run(selection, FreezeGoal(selection, () => asked = true), deadline, hold: true);
                if (!reached) throw TimedOut(selection, deadline);
                still = held!;
                return FrozenTasks.Observe(still, selection);
            }
            catch (Exception failure)
            {
                // Whatever it was (the hypervisor may fail too): a task that was asked must not be left behind frozen.
                held?.Dispose();
                if (asked) Undo(selection, failure);
                throw;
            }
        }
    }

    /// <summary>Lets frozen tasks run on; those that the guest itself keeps frozen (<c>podman pause</c>) stay so. Returns when they do.</summary>
    /// <exception cref="FreezeException">Some did not leave the freezer in time; they will when the guest wakes them.</exception>
    public void Thaw(FrozenTasks frozen, TimeSpan deadline)
    {
        frozen.ThrowIfSpent();
        frozen.Spend();
        Thaw(frozen.Selection, deadline);
    }

    /// <summary>The same for whatever a freeze has left behind, finished or not: for a rollback by a process that did not begin it.</summary>
    /// <exception cref="FreezeException">Some did not leave the freezer in time; they will when the guest wakes them.</exception>
    public void Thaw(TaskSelection selection, TimeSpan deadline)
    {
        lock (_lock)
        {
            if (!LetGo(selection, deadline))
                throw new FreezeException(FreezeFailure.StillThere, $"Not all tasks of {selection} were woken within {deadline.TotalSeconds:0.#} s. They are no longer held, and run on as soon as the guest wakes them.");
        }
    }

    /// <summary>
    /// Ends frozen tasks as SIGKILL would, without a moment of running on: for the source of a migration that is committed.
    /// Returns when all have ended; their parents see an end by signal 9.
    /// </summary>
    /// <exception cref="FreezeException">They are no longer frozen, one is stopped by its tracer (nothing was touched), or they did not end in time.</exception>
    public void Kill(FrozenTasks frozen, TimeSpan deadline)
    {
        lock (_lock)
        {
            HashSet<FrozenTask> condemned = [];
            FreezerGoal goal = new(
                tasks => tasks.Count == 0,
                task => !condemned.Contains(FrozenTask.Of(task)) || (task.SleepsInterruptibly && !_slots.IsWaking(task.Address)),
                (kernel, task) =>
                {
                    condemned.Add(FrozenTask.Of(task));
                    _switches.AskToDie(kernel, task);
                });
            using (StillGuest still = _rounds.Pause()) RequireKillable(still, frozen);
            frozen.Spend();
            if (!_rounds.Run(frozen.Selection, goal, deadline, hold: false).Reached)
                throw new FreezeException(FreezeFailure.StillThere, $"Not all tasks of {frozen.Selection} ended within {deadline.TotalSeconds:0.#} s. They run no code of their programs any more, and end as soon as the guest wakes them.");
        }
    }

    private void Undo(TaskSelection selection, Exception failure)
    {
        Exception? second = null;
        try
        {
            if (LetGo(selection, s_undo)) return;
        }
        catch (Exception e)
        {
            second = e;
        }
        throw new FreezeException(FreezeFailure.StillThere,
            $"{failure.Message} And the tasks of {selection} that had been asked could not be let go again{(second is null ? " in time" : $": {second.Message}")}. In the guest, writing 1 and then 0 to the cgroup.freeze of their cgroup lets them run.",
            second is null ? failure : new AggregateException(failure, second));
    }

    private FreezerGoal FreezeGoal(TaskSelection selection, Action asking) => new(
        tasks => tasks.Count > 0
            ? tasks.TrueForAll(static task => task.StandsStill)
            : throw new FreezeException(FreezeFailure.NoTasks, $"There are no tasks in {selection}."),
        task => !TaskSwitches.IsAskedToFreeze(task) || !_switches.WillNotice(task) || (!task.Frozen && task.SleepsInterruptibly && !_slots.IsWaking(task.Address)),
        (kernel, task) =>
        {
            asking();
            _switches.AskToFreeze(kernel, task);
        });

    private bool LetGo(TaskSelection selection, TimeSpan deadline)
    {
        HashSet<FrozenTask> released = [];
        // Once let go, a task that is frozen again is so by the guest's own will: its cgroup is frozen.
        bool IsHeld(TaskStruct task) => TaskSwitches.IsAskedToFreeze(task) && !released.Contains(FrozenTask.Of(task));
        bool MustWake(TaskStruct task) => !TaskSwitches.IsAskedToFreeze(task) && task.Frozen && task.SleepsInterruptibly;
        FreezerGoal goal = new(
            all => !all.Exists(task => IsHeld(task) || MustWake(task)),
            task => IsHeld(task) || (MustWake(task) && !_slots.IsWaking(task.Address)),
            (kernel, task) =>
            {
                if (released.Add(FrozenTask.Of(task))) _switches.AskToThaw(kernel, task);
            });
        return _rounds.Run(selection, goal, deadline, hold: false).Reached;
    }

    private static void RequireKillable(StillGuest still, FrozenTasks frozen)
    {
        frozen.Revalidate(still);
        foreach (TaskStruct task in frozen.Selection.Threads(still.Kernel))
        {
            if (task.IsStoppedByTracer)
                throw new FreezeException(FreezeFailure.Unsupported, $"Task {task.Pid} ({task.Comm}) of {frozen.Selection} is stopped by its tracer, and only that can let it end. All tasks are left frozen.");
        }
    }

    private FreezeException TimedOut(TaskSelection selection, TimeSpan deadline)
    {
        IEnumerable<string> restless = (_rounds.CollectWhileRunning(selection) ?? []).Where(task => !task.StandsStill)
            .Take(8).Select(task => $"{task.Pid} ({task.Comm}, state 0x{task.State:x})");
        return new FreezeException(FreezeFailure.TimedOut,
            $"Not all tasks of {selection} stood still within {deadline.TotalSeconds:0.#} s: {string.Join(", ", restless)}. They run on.");
    }
}
