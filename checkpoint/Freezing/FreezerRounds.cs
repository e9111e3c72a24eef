using System.Diagnostics;
using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing;

/// <summary>What is to become of some tasks, and how each is asked.</summary>
/// <param name="IsReached">Whether all is done; asked on the running guest too.</param>
/// <param name="NeedsAsking">Whether a task must be asked, or woken, yet.</param>
/// <param name="Ask">Sets the words of one task, whose siglock is free, while the guest stands still.</param>
internal sealed record FreezerGoal(
    Func<List<TaskStruct>, bool> IsReached,
    Func<TaskStruct, bool> NeedsAsking,
    Action<KernelWriter, TaskStruct> Ask)
{
    /// <summary>Whether a task that has been asked must be woken, if it sleeps.</summary>
    public Predicate<TaskStruct> NeedsWaking { get; init; } = static task => task.SleepsInterruptibly;
}

/// <summary>
/// The loop under freeze, thaw and kill: stop the guest, ask every task that needs it, let it run until all is done or
/// there are tasks to ask anew: one that was just forked, whose lock was held, for whose wake-up there was no slot.
/// </summary>
internal sealed class FreezerRounds(GuestKernel kernel, GuestMemoryWriter memory, IVcpuControl cpus, WakeSlots slots, Kicker? kicker)
{
    // What was asked for happens at the next tick; asking sooner again would only stop the guest more often.
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(4);
    private static readonly TimeSpan s_kickAgain = TimeSpan.FromMilliseconds(10);

    /// <summary>Works towards a goal.</summary>
    /// <param name="selection">The tasks.</param>
    /// <param name="goal">What is to become of them.</param>
    /// <param name="deadline">From now.</param>
    /// <param name="hold">Whether the goal must be seen reached while the guest stands still, and the guest left so.</param>
    /// <returns>The guest standing still if <paramref name="hold"/>; null when the deadline came first, or there was no need to hold.</returns>
    public (bool Reached, StillGuest? Still) Run(TaskSelection selection, FreezerGoal goal, TimeSpan deadline, bool hold)
    {
        long began = Stopwatch.GetTimestamp();
        kicker?.Calibrate();
        while (true)
        {
            bool kickAtOnce;
            StillGuest still = Pause();
            try
            {
                List<TaskStruct> tasks = selection.Threads(still.Kernel);
                if (goal.IsReached(tasks))
                {
                    if (hold) return (true, still);
                    still.Dispose();
                    return (true, null);
                }
                kickAtOnce = Ask(new KernelWriter(still, memory), goal, tasks);
            }
            catch
            {
                still.Dispose();
                throw;
            }
            still.Dispose();
            bool? reached = Wait(selection, goal, began, deadline, kickAtOnce);
            if (reached == true && !hold) return (true, null);
            if (reached == false) return (false, null);
        }
    }

    public StillGuest Pause() => StillGuest.Pause(kernel, cpus);

    /// <returns>Whether work waits on a processor that idles.</returns>
    private bool Ask(KernelWriter writer, FreezerGoal goal, List<TaskStruct> tasks)
    {
        (int cpu, bool busy) = OnlineCpus.QuickestToWork(kernel, kicker?.Cpu);
        bool queued = false;
        foreach (TaskStruct task in tasks)
        {
            // The kernel changes job control under this lock alone; a processor that stopped inside it gets to finish.
            if (task.IsExiting || !goal.NeedsAsking(task) || task.IsSiglocked) continue;
            goal.Ask(writer, task);
            if (goal.NeedsWaking(task) && !slots.IsWaking(task.Address)) queued |= slots.TryWake(writer, task.Address, cpu);
        }
        return queued && !busy;
    }

    /// <returns>True: it seems reached. False: the deadline came. Null: another round is needed.</returns>
    private bool? Wait(TaskSelection selection, FreezerGoal goal, long began, TimeSpan deadline, bool kickAtOnce)
    {
        long asked = Stopwatch.GetTimestamp();
        TimeSpan nextKick = kickAtOnce ? TimeSpan.Zero : s_kickAgain;
        while (true)
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(asked);
            if (kicker is not null && elapsed >= nextKick && slots.AnyPending())
            {
                kicker.Kick();
                nextKick = elapsed + s_kickAgain;
            }
            // Memory changes without telling: it must be looked at again and again.
            Thread.Sleep(1);
            List<TaskStruct>? tasks = CollectWhileRunning(selection);
            if (tasks is not null && goal.IsReached(tasks)) return true;
            if (Stopwatch.GetElapsedTime(began) >= deadline) return false;
            if (elapsed >= s_round && tasks is not null && tasks.Exists(task => !task.IsExiting && goal.NeedsAsking(task))) return null;
        }
    }

    /// <summary>The tasks on the running guest, or null when the view tore.</summary>
    public List<TaskStruct>? CollectWhileRunning(TaskSelection selection)
    {
        try
        {
            return selection.Threads(kernel.BeginLook());
        }
        catch (IntrospectionException e) when (e is not GuestRamLostException)
        {
            return null;
        }
    }
}
