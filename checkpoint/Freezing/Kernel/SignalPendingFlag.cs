using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>
/// TIF_SIGPENDING: bit 2 on x86 until the flags of all architectures became the same ones (asm-generic/thread_info_tif.h, with
/// CONFIG_HAVE_GENERIC_TIF_BITS), and bit 1 since. No type names it, so it is read where the kernel itself sets it: the first thing
/// that signal_wake_up_state does (kernel/signal.c).
/// </summary>
internal static class SignalPendingFlag
{
    private const string Function = "signal_wake_up_state";
    private const int Prologue = 48;

    // or byte [rdi], imm8, behind a lock prefix or what the kernel puts in its place on a single processor.
    private const byte Lock = 0xf0, NoLock = 0x3e, OrByte = 0x80, ToRdi = 0x0f;

    /// <exception cref="KernelTypeException">The function does not set either of the two.</exception>
    public static ulong Of(GuestKernel kernel)
    {
        Span<byte> code = stackalloc byte[Prologue];
        GuestVirtualAddress function = kernel.Symbols.Find(Function);
        kernel.AddressSpace.Read(function, code);
        for (int i = 0; i + 3 < code.Length; i++)
        {
            if (code[i] is Lock or NoLock && code[i + 1] == OrByte && code[i + 2] == ToRdi && code[i + 3] is 1 << 1 or 1 << 2) return code[i + 3];
        }

        throw new KernelTypeException($"which bit TIF_SIGPENDING is does not show in {Function} at {function}");
    }
}
