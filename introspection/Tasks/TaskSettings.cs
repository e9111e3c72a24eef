using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>What few threads have: settings and objects of system calls that are rarely used (include/linux/sched.h).</summary>
[KernelStruct("task_struct")]
public readonly partial record struct TaskSettings
{
    /// <summary>Rings of io_uring that it works with; null where it never had one.</summary>
    [Field(Optional = true)] public partial Ptr<IoUringTask>? IoUring { get; }

    /// <summary>SYSCALL_WORK_* (include/linux/thread_info.h).</summary>
    [Field("thread_info.syscall_work", Optional = true)] public partial ulong? SyscallWork { get; }

    /// <summary>struct mempolicy *: set_mempolicy(2).</summary>
    [Field(Optional = true)] public partial GuestVirtualAddress? Mempolicy { get; }

    /// <summary>cpumask_t *: what sched_setaffinity(2) was given (8f9ea86fdf99, v6.2).</summary>
    [Field(Optional = true)] public partial GuestVirtualAddress? UserCpusPtr { get; }

    /// <summary>How many CPUs it may run on.</summary>
    [Field] public partial int NrCpusAllowed { get; }

    [Field(Optional = true)] public partial Ptr<IoContext>? IoContext { get; }

    /// <summary>SCHED_RESET_ON_FORK.</summary>
    [BitField] public partial bool SchedResetOnFork { get; }

    /// <summary>SEM_UNDO; threads of a process have one, empty or not.</summary>
    [Field("sysvsem.undo_list", Optional = true)] public partial Ptr<SemUndoList>? SemaphoreUndo { get; }

    /// <summary>struct io_bitmap *: ioperm(2).</summary>
    [Field("thread.io_bitmap", Optional = true)] public partial GuestVirtualAddress? IoBitmap { get; }

    /// <summary>The level of iopl(2).</summary>
    [Field("thread.iopl_emul", Optional = true)] public partial ulong? IoplEmul { get; }

    /// <summary>set_thread_area(2); 0 where an entry is empty.</summary>
    [Field("thread.tls_array", Optional = true)] public partial KernelStructArray<DescStruct>? TlsArray { get; }

    public static TaskSettings Of(TaskStruct task) => At(task.Kernel, task.Address);
}

/// <summary>What is undone to semaphores when the process ends (ipc/sem.c).</summary>
[KernelStruct("sem_undo_list")]
public readonly partial record struct SemUndoList
{
    [Embedded] public partial ListHead ListProc { get; }
}

/// <summary>A task's part in io_uring (include/linux/io_uring_types.h).</summary>
[KernelStruct("io_uring_task")]
public readonly partial record struct IoUringTask
{
    /// <summary>The rings, by the address of each.</summary>
    [Embedded("xa")] public partial Xarray Rings { get; }
}

/// <summary>include/linux/iocontext.h.</summary>
[KernelStruct("io_context")]
public readonly partial record struct IoContext
{
    private const int ClassShift = 13; // IOPRIO_CLASS_SHIFT

    [Field] public partial ushort Ioprio { get; }

    /// <summary>IOPRIO_CLASS_*; 0: none was set.</summary>
    public int PriorityClass => Ioprio >> ClassShift;
}

/// <summary>An entry of a descriptor table (arch/x86/include/asm/desc_defs.h).</summary>
[KernelStruct("desc_struct")]
public readonly partial record struct DescStruct
{
    [Field("limit0")] public partial ushort Limit { get; }

    [Field("base0")] public partial ushort Base { get; }

    [BitField("p")] public partial bool Present { get; }

    public bool IsEmpty => Limit == 0 && Base == 0 && !Present;
}
