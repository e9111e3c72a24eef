using System.Diagnostics;
using Watari.Checkpoint.Freezing.Kernel;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Kernel;

namespace Watari.Checkpoint.Freezing;

// Cgroups as a whole, for good: what a runtime's pause and unpause do.
public sealed partial class OutsideFreezer
{
    private CgroupSwitches? _cgroups;

    /// <summary>
    /// Freezes a cgroup as writing 1 to its cgroup.freeze does, and returns when all of its tasks stand still. The guest sees it so:
    /// cgroup.freeze and cgroup.events say 1, runtimes take the container for paused, and what is started in it is frozen too.
    /// </summary>
    /// <param name="cgroup">From the root of the hierarchy.</param>
    /// <param name="deadline">From now.</param>
    /// <exception cref="FreezeException">There is none, or nothing is in it; or one did not stand still before the deadline: all run on then.</exception>
    public void Pause(string cgroup, TimeSpan deadline)
    {
        lock (_lock)
        {
            TaskSelection selection = new TaskSelection.OfCgroup(cgroup);
            bool changed = false;
            try
            {
                changed = SetFreeze([cgroup], true, deadline);
                if (!_rounds.Run(selection, FreezeGoal(selection, () => changed = true), deadline, hold: false).Reached) throw TimedOut(selection, deadline);
            }
            catch (Exception failure) when (changed)
            {
                UndoPause(cgroup, selection, failure);
                throw;
            }
        }
    }

    /// <summary>Thaws cgroups as writing 0 to their cgroup.freeze does, whoever froze them. Returns when their tasks run on.</summary>
    /// <param name="cgroups">From the root of the hierarchy, the topmost first; the others are below it.</param>
    /// <param name="deadline">From now.</param>
    /// <exception cref="FreezeException">There is none; a cgroup above it is frozen, which is another's to thaw; or some were not woken in time.</exception>
    public void Unpause(IReadOnlyList<string> cgroups, TimeSpan deadline)
    {
        lock (_lock)
        {
            SetFreeze(cgroups, false, deadline);
            Thaw(new TaskSelection.OfCgroup(cgroups[0]), deadline);
        }
    }

    /// <returns>Whether anything was written.</returns>
    private bool SetFreeze(IReadOnlyList<string> paths, bool freeze, TimeSpan deadline)
    {
        CgroupSwitches switches = _cgroups ??= CgroupSwitches.Require(_kernel);
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            using (StillGuest still = _rounds.Pause())
            {
                if (switches.AreFree(still.Kernel))
                {
                    CgroupNode[] cgroups = [.. paths.Select(path => Find(still.Kernel, path))];
                    if (!freeze) RequireNotHeldFromAbove(switches, cgroups[0]);
                    CgroupNode[] others = [.. cgroups.Where(cgroup => switches.IsSet(cgroup) != freeze)];
                    foreach (CgroupNode cgroup in others) switches.Set(new KernelWriter(still, _memory), cgroup, freeze);
                    return others.Length > 0;
                }
            }

            if (Stopwatch.GetElapsedTime(began) >= deadline)
                throw new FreezeException(FreezeFailure.TimedOut, $"The guest was changing its cgroups all the time for {deadline.TotalSeconds:0.#} s. Nothing was touched.");
            // The guest's time to finish what it is at: it tells nobody when it has.
            Thread.Sleep(1);
        }
    }

    private static CgroupNode Find(GuestKernel kernel, string path)
    {
        foreach (CgroupNode cgroup in kernel.Cgroups)
        {
            if (cgroup.Cgroup.Path == path) return cgroup;
        }

        throw new FreezeException(FreezeFailure.NoTasks, $"There is no cgroup {path} any more. Nothing was touched.");
    }

    private static void RequireNotHeldFromAbove(CgroupSwitches switches, CgroupNode cgroup)
    {
        if (!cgroup.Self.Parent.TryGet(out CgroupState state) || state.Cgroup.Value is var parent && !switches.IsHeld(parent)) return;
        throw new FreezeException(FreezeFailure.Unsupported,
            $"Cgroup {cgroup.Cgroup.Path} is frozen with all of {parent.Cgroup.Path}, which is not one container's. In the guest, writing 0 to the cgroup.freeze of the one that is frozen lets it run. Nothing was touched.");
    }

    private void UndoPause(string cgroup, TaskSelection selection, Exception failure)
    {
        try
        {
            SetFreeze([cgroup], false, s_undo);
        }
        catch (Exception second)
        {
            throw new FreezeException(FreezeFailure.StillThere, $"{failure.Message} And it could not be undone: {second.Message} Unpausing it lets it run.", new AggregateException(failure, second));
        }

        Undo(selection, failure);
    }
}
