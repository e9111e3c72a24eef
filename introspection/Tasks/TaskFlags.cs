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
}
