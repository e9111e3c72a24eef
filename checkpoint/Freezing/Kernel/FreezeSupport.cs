using Watari.Introspection;
using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>Tells beforehand whether a kernel can be frozen from outside, and if not, why.</summary>
internal static class FreezeSupport
{
    private static readonly string[] s_symbols =
        ["process_timeout", "signal_wake_up_state", "lazy_list", "vmcoreinfo_data", "vmcoreinfo_size", "vmcoreinfo_note", "tick_cpu_device", "runqueues", "kstat", "__cpu_online_mask", "__per_cpu_offset", "nr_cpu_ids"];

    /// <exception cref="FreezeException">It cannot; nothing was touched.</exception>
    public static (TaskSwitches Switches, WakeSlots Slots) Require(GuestKernel kernel)
    {
        // CONFIG_CFI_CLANG gives each function that may be called through a pointer such a twin; process_timeout is called
        // through one of another type here, on which such a kernel traps.
        if (kernel.Symbols.TryFind("__cfi_process_timeout"u8, out _))
            throw Unsupported(kernel, "it checks the types of indirect calls (kCFI)", null);
        foreach (string symbol in s_symbols)
        {
            if (!kernel.Symbols.TryFind(symbol, out _)) throw Unsupported(kernel, $"it has no {symbol}", null);
        }
        try
        {
            if (!kernel.Types.TryGetMember(kernel.Types.Find("sighand_struct"), "siglock.rlock", out _))
                throw Unsupported(kernel, "its spinlocks sleep (PREEMPT_RT)", null);
            Probe(kernel.InitTask);
            kernel.Layout.Verify(RunQueue.Descriptor);
            kernel.Layout.Verify(TickDevice.Descriptor);
            kernel.Layout.Verify(ClockEventDevice.Descriptor);
            kernel.Types.Member("kernel_stat", "irqs_sum");
            WakeSlots slots = new(kernel);
            return slots.Count > 0
                ? (new TaskSwitches(kernel), slots)
                : throw Unsupported(kernel, "the tail of its vmcoreinfo page is in use", null);
        }
        catch (KernelTypeException lacking)
        {
            throw Unsupported(kernel, lacking.Message, lacking);
        }
        catch (IntrospectionException failure)
        {
            throw Unsupported(kernel, $"its memory cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>Reads once all that is read of a task later: a member that the kernel lacks shows now.</summary>
    private static void Probe(TaskStruct task)
    {
        _ = (task.Pid, task.Tgid, task.State, task.ExitState, task.Flags, task.OnCpu, task.Jobctl, task.ThreadInfoFlags, task.Frozen);
        _ = (task.StartBoottime, task.RealParent, task.GroupLeader, task.Sighand.Value.Siglock, task.Cgroups.Value.DflCgrp.Value.Path);
    }

    private static FreezeException Unsupported(GuestKernel kernel, string why, Exception? cause) => new(FreezeFailure.Unsupported,
        $"Linux {kernel.Release} cannot be frozen from outside: {why}. Freeze with the guest's agent (cgroup.freeze), or save while the VM is stopped. Nothing was touched.", cause);
}
