namespace Watari.Introspection.Tasks;

/// <summary>Bits of task_struct.flags (PF_* in include/linux/sched.h) that have kept their places.</summary>
public static class TaskFlags
{
    public const uint Exiting = 0x4;
    public const uint ForkedNoExec = 0x40;
    public const uint KernelThread = 0x200000;
}

/// <summary>Bits of task_struct.__state and exit_state (TASK_*, EXIT_* in include/linux/sched.h).</summary>
public static class TaskStates
{
    public const uint Running = 0;
    public const uint Interruptible = 1;
    public const uint Uninterruptible = 2;
    public const uint Stopped = 4;
    public const uint Traced = 8;
    public const uint ExitDead = 0x10;
    public const uint ExitZombie = 0x20;

    private const uint Parked = 0x40;
    private const uint Reported = Interruptible | Uninterruptible | Stopped | Traced | ExitDead | ExitZombie | Parked; // TASK_REPORT
    private const uint Idle = Uninterruptible | 0x400; // TASK_IDLE: TASK_UNINTERRUPTIBLE | TASK_NOLOAD

    /// <summary>The letter of a task's state in /proc/PID/stat: R, S, D, T, t, X, Z, P or I (task_index_to_char, include/linux/sched.h).</summary>
    public static char Letter(uint state, uint exitState) =>
        state == Idle ? 'I' : "RSDTtXZP"[System.Numerics.BitOperations.Log2(((state | exitState) & Reported) << 1 | 1)];
}
