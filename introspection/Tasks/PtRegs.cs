using System.Runtime.InteropServices;

namespace Watari.Introspection.Tasks;

/// <summary>
/// A thread's user registers as the kernel saved them on entry (struct pt_regs, arch/x86/include/uapi/asm/ptrace.h). A copy,
/// in the kernel's own order, which is part of its interface to user space.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public record struct PtRegs
{
    public ulong R15;
    public ulong R14;
    public ulong R13;
    public ulong R12;
    public ulong Bp;
    public ulong Bx;
    public ulong R11;
    public ulong R10;
    public ulong R9;
    public ulong R8;
    public ulong Ax;
    public ulong Cx;
    public ulong Dx;
    public ulong Si;
    public ulong Di;

    /// <summary>The number of the system call that the thread is in; negative if it is in none.</summary>
    public long OrigAx;
    public ulong Ip;
    public ulong Cs;
    public ulong Flags;
    public ulong Sp;
    public ulong Ss;
}
