using Watari.Introspection.Memory;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>What a processor runs (kernel/sched/sched.h).</summary>
[KernelStruct("rq")]
public readonly partial record struct RunQueue
{
    /// <summary>The task on it.</summary>
    [Field] public partial GuestVirtualAddress Curr { get; }

    /// <summary>The task that is on it when there is nothing to do.</summary>
    [Field] public partial GuestVirtualAddress Idle { get; }
}
