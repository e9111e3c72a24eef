using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>A thread of the guest, or a process by its leader (include/linux/sched.h).</summary>
[KernelStruct("task_struct")]
public readonly partial record struct TaskStruct
{
    /// <summary>The thread's id in the guest's first pid namespace.</summary>
    [Field] public partial int Pid { get; }

    /// <summary>The process's id in the guest's first pid namespace.</summary>
    [Field] public partial int Tgid { get; }

    [Field] public partial KernelText Comm { get; }

    /// <summary>TASK_* as in include/linux/sched.h; __state since 2f064a59a11f, v5.14, before it a long.</summary>
    [BitField("__state", "state")] public partial uint State { get; }

    [Field] public partial int ExitState { get; }

    [Field] public partial int ExitCode { get; }

    /// <summary>PF_*.</summary>
    [Field] public partial uint Flags { get; }

    /// <summary>Its node in the list of all processes.</summary>
    [Embedded] public partial ListHead Tasks { get; }

    /// <summary>Its node in its process's list of threads.</summary>
    [Embedded] public partial ListHead ThreadNode { get; }

    [Embedded] public partial ListHead Children { get; }

    [Embedded] public partial ListHead Sibling { get; }

    [Field] public partial Ptr<TaskStruct> GroupLeader { get; }

    [Field] public partial Ptr<TaskStruct> RealParent { get; }

    /// <summary>Who is told of its end: the tracer of a traced task.</summary>
    [Field] public partial Ptr<TaskStruct> Parent { get; }

    [Field] public partial Ptr<SignalStruct> Signal { get; }

    [Field] public partial Ptr<PidStruct> ThreadPid { get; }

    public bool IsKernelThread => (Flags & TaskFlags.KernelThread) != 0;

    /// <summary>All threads of the task's process, its leader among them: for_each_thread.</summary>
    public ListEntries<TaskStruct> Threads => Signal.Value.ThreadHead.Entries<TaskStruct>(static thread => thread.ThreadNode);

    public bool IsGroupLeader => GroupLeader.Address == Address;
}
