using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>What the freezer must know of a thread.</summary>
internal static class TaskConditions
{
    extension(TaskStruct task)
    {
        /// <summary>It ends or has ended, and runs no code of its program any more.</summary>
        public bool IsExiting => task.ExitState != 0 || (task.Flags & TaskFlags.Exiting) != 0;

        /// <summary>It ended and keeps its place only until its parent asks.</summary>
        public bool HasExited => task.ExitState != 0;

        public bool SleepsInterruptibly => (task.State & TaskStates.Interruptible) != 0;

        /// <summary>Wakes only for SIGCONT or SIGKILL.</summary>
        public bool IsStoppedBySignal => (task.State & TaskStates.Stopped) != 0;

        /// <summary>Stopped by its tracer, whose it is.</summary>
        public bool IsStoppedByTracer => (task.State & TaskStates.Traced) != 0;

        /// <summary>A processor is inside what the lock guards: let it finish.</summary>
        public bool IsSiglocked => task.Sighand.Value.Siglock != 0;

        /// <summary>Its registers are in memory, and whatever wakes it, it goes back into the freezer before it runs its program.</summary>
        public bool StandsStill => task.Frozen && !task.OnCpu && TaskSwitches.IsAskedToFreeze(task);
    }
}
