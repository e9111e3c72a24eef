using System.Runtime.InteropServices;

namespace Watari.GuestAgent.Native;

/// <summary>The kernel refused a call: which, on what, and errno.</summary>
internal sealed class KernelException(string what, int errno) : Exception($"{what}: {Marshal.GetPInvokeErrorMessage(errno)}")
{
    public int Errno => errno;

    /// <summary>The result if it is no error, else the exception that errno makes.</summary>
    public static int Check(int result, string what) => result >= 0 ? result : throw new KernelException(what, Marshal.GetLastPInvokeError());

    /// <inheritdoc cref="Check(int, string)"/>
    public static nint Check(nint result, string what) => result >= 0 ? result : throw new KernelException(what, Marshal.GetLastPInvokeError());
}
