using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Freezing;

/// <summary>A thread that stands still in the freezer: its registers are in memory and will not change.</summary>
/// <param name="Address">Its task_struct.</param>
/// <param name="Pid">Its id in the guest's first pid namespace.</param>
/// <param name="StartTime">When it started; tells it from a later one at the same address.</param>
public readonly record struct FrozenTask(GuestVirtualAddress Address, int Pid, ulong StartTime)
{
    internal static FrozenTask Of(TaskStruct task) => new(task.Address, task.Pid, task.StartBoottime);
}
