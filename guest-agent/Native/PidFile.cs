using System.Runtime.InteropServices;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Native;

/// <summary>A process that stays the same one, whoever gets its number next (pidfd_open(2)).</summary>
internal sealed class PidFile : IDisposable
{
    private const int SYS_pidfd_send_signal = 424, SYS_pidfd_open = 434;

    private readonly KernelFile file;
    private readonly GuestPid pid;

    private PidFile(KernelFile file, GuestPid pid)
    {
        this.file = file;
        this.pid = pid;
    }

    /// <summary>Null where there is no such process.</summary>
    public static PidFile? TryOpen(GuestPid pid)
    {
        nint fd = Libc.syscall(SYS_pidfd_open, pid.Value, 0, 0, 0);
        if (fd < 0 && Marshal.GetLastPInvokeError() is Libc.ESRCH or Libc.EINVAL)
            return null;
        return new PidFile(new KernelFile((int)KernelException.Check(fd, "pidfd_open")), pid);
    }

    /// <summary>Whether it has ended, or does so in the time; the deadline ends the waiting, too.</summary>
    public bool HasEndedWithin(int seconds, Deadline deadline) =>
        deadline.Within(seconds * 1000L).TryWaitAny([file.Fd], Libc.POLLIN, What) >= 0;

    /// <exception cref="AgentException">deadline-exceeded.</exception>
    public void Wait(Deadline deadline) => deadline.Wait(file.Fd, Libc.POLLIN, What);

    /// <returns>It had not ended before.</returns>
    public bool TrySignal(int signal) => Libc.syscall(SYS_pidfd_send_signal, file.Fd, signal, 0, 0) == 0;

    public void Dispose() => file.Dispose();

    private string What => $"process {pid} ended";
}
