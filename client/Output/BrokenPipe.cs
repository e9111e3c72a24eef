using System.Runtime.InteropServices;

namespace Watari.Client.Output;

/// <summary>Whether the reader of a pipe is gone: .NET writes there without a word.</summary>
internal static class BrokenPipe
{
    private const short Error = 8; // POLLERR

    /// <param name="descriptor">The pipe's writing end, or a socket; nothing else is ever broken.</param>
    public static bool Is(int descriptor)
    {
        var polled = new PollFd { Descriptor = descriptor };
        return Poll(ref polled, 1, 0) > 0 && (polled.Happened & Error) != 0;
    }

#pragma warning disable SYSLIB1054 // The generated form needs unsafe code, which the console has no other use for.
    [DllImport("libc", EntryPoint = "poll")]
    private static extern int Poll(ref PollFd polled, ulong count, int milliseconds);
#pragma warning restore SYSLIB1054

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Descriptor;
        public short Wanted;
        public short Happened;
    }
}
