using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>The registers that a frozen thread goes on with.</summary>
internal static class RegisterCapture
{
    // include/linux/errno.h: results that never reach user space.
    private const long RestartSystemCall = -512;      // ERESTARTSYS
    private const long RestartNoIntr = -513;          // ERESTARTNOINTR
    private const long RestartNoHandler = -514;       // ERESTARTNOHAND
    private const long RestartBlock = -516;           // ERESTART_RESTARTBLOCK
    private const ulong SyscallInstructionLength = 2;

    public static X86Registers Capture(TaskStruct thread)
    {
        PtRegs registers = Restart(thread.Registers);
        return new X86Registers
        {
            R15 = registers.R15,
            R14 = registers.R14,
            R13 = registers.R13,
            R12 = registers.R12,
            Bp = registers.Bp,
            Bx = registers.Bx,
            R11 = registers.R11,
            R10 = registers.R10,
            R9 = registers.R9,
            R8 = registers.R8,
            Ax = registers.Ax,
            Cx = registers.Cx,
            Dx = registers.Dx,
            Si = registers.Si,
            Di = registers.Di,
            OrigAx = (ulong)registers.OrigAx,
            Ip = registers.Ip,
            Cs = registers.Cs,
            Flags = registers.Flags,
            Sp = registers.Sp,
            Ss = registers.Ss,
            FsBase = thread.FsBase,
            GsBase = thread.GsBase,
            Ds = thread.Ds,
            Es = thread.Es,
            Fs = thread.FsIndex,
            Gs = thread.GsIndex,
        };
    }

    /// <summary>
    /// What the kernel would do on the way back from the freezer (arch_do_signal_or_restart): an interrupted system call is
    /// called again. One with a time-out that already ran for a while is called from its beginning: the block that would know
    /// how much is left is the source kernel's.
    /// </summary>
    internal static PtRegs Restart(PtRegs registers)
    {
        bool interrupted = registers.OrigAx >= 0
            && (long)registers.Ax is RestartSystemCall or RestartNoIntr or RestartNoHandler or RestartBlock;
        return interrupted
            ? registers with { Ax = (ulong)registers.OrigAx, Ip = registers.Ip - SyscallInstructionLength }
            : registers;
    }
}
