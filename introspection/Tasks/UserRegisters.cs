using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Tasks;

/// <summary>Reads the registers of threads that are off the CPU.</summary>
public static class UserRegisters
{
    private const ulong DefaultThreadSize = 16384; // THREAD_SIZE without KASAN
    private const ulong FredPadding = 16;          // TOP_OF_KERNEL_STACK_PADDING with CONFIG_X86_FRED, v6.9
    private const ulong PrivilegeMask = 3;

    extension(TaskStruct task)
    {
        /// <summary>The registers with which the thread will go on in user space.</summary>
        /// <exception cref="KernelWalkException">The thread runs just now, so that they are in the processor; or it has none, being the kernel's.</exception>
        public PtRegs Registers
        {
            get
            {
                GuestVirtualAddress at = RegistersAddress(task);
                if (task.OnCpu) throw task.Kernel.Astray(task.Address, "task_struct.stack", $"thread {task.Pid} runs on a CPU; its registers are saved only when it leaves it");
                PtRegs registers = ReadAt(task, at);
                registers.Cs &= 0xffff; // what else FRED keeps in the word is not the program's
                registers.Ss &= 0xffff;
                return registers;
            }
        }
    }

    /// <summary>Where a user thread's saved registers lie: at the top of its kernel stack.</summary>
    public static GuestVirtualAddress RegistersAddress(TaskStruct task)
    {
        GuestVirtualAddress end = task.Stack + ThreadSize(task.Kernel);
        foreach (ulong padding in (ReadOnlySpan<ulong>)[0, FredPadding])
        {
            GuestVirtualAddress at = end - padding - (ulong)Unsafe.SizeOf<PtRegs>();
            PtRegs registers = ReadAt(task, at);
            // Selectors of user privilege tell registers from whatever else is on a stack.
            if ((registers.Cs & PrivilegeMask) == PrivilegeMask && (registers.Ss & PrivilegeMask) == PrivilegeMask) return at;
        }

        throw task.Kernel.Astray(task.Address, "task_struct.stack", $"no user registers lie at the top of the stack of thread {task.Pid}");
    }

    private static PtRegs ReadAt(TaskStruct task, GuestVirtualAddress at)
    {
        PtRegs registers = default;
        task.Kernel.Copy(task.Stack, at, MemoryMarshal.AsBytes(new Span<PtRegs>(ref registers)), "struct pt_regs");
        return registers;
    }

    private static ulong ThreadSize(GuestKernel kernel)
    {
        // The first task's stack is an array of the image, so its symbols give the size; they have been renamed.
        foreach ((string start, string end) in (ReadOnlySpan<(string, string)>)[("__start_init_stack", "__end_init_stack"), ("__start_init_task", "__end_init_task")])
        {
            if (!kernel.Symbols.TryFind(start, out GuestVirtualAddress from) || !kernel.Symbols.TryFind(end, out GuestVirtualAddress to)) continue;
            ulong size = to - from;
            if (size is >= GuestPage.Size and <= 1 << 20 && ulong.IsPow2(size)) return size;
        }

        return DefaultThreadSize;
    }
}
