using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>A process that is not our child, held by a pidfd (pidfd_open(2)): a signal can never hit another process that was given its pid later.</summary>
internal sealed unsafe class ProcessHandle : IDisposable
{
    private readonly SafeFileHandle _pidfd;

    private ProcessHandle(int id, SafeFileHandle pidfd)
    {
        Id = id;
        _pidfd = pidfd;
    }

    internal int Id { get; }

    /// <summary>Null when there is no such process.</summary>
    internal static ProcessHandle? TryOpen(int id)
    {
        long pidfd = LibC.Syscall(LibC.SysPidfdOpen, id, 0, 0, 0);
        return pidfd >= 0 ? new ProcessHandle(id, new SafeFileHandle((nint)pidfd, ownsHandle: true)) : null;
    }

    /// <summary>The arguments it was started with (/proc/PID/cmdline); empty when it has ended.</summary>
    internal string[] Arguments
    {
        get
        {
            try
            {
                return File.ReadAllText($"/proc/{Id}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
            }
            catch (IOException)
            {
                return [];
            }
        }
    }

    /// <summary>Whether it has ended by now. Asks the kernel and does not wait.</summary>
    internal bool HasEnded
    {
        get
        {
            var poll = new LibC.PollFd { Descriptor = (int)_pidfd.DangerousGetHandle(), Events = LibC.PollIn };
            return LibC.Poll(&poll, 1, 0) > 0;
        }
    }

    internal void Kill() => _ = LibC.Syscall(LibC.SysPidfdSendSignal, _pidfd.DangerousGetHandle(), LibC.SigKill, 0, 0);

    /// <summary>Waits for its end; true when it came in time. A zombie has ended.</summary>
    internal Task<bool> WaitForEndAsync(TimeSpan deadline) => Task.Factory.StartNew(() =>
    {
        var poll = new LibC.PollFd { Descriptor = (int)_pidfd.DangerousGetHandle(), Events = LibC.PollIn };
        return LibC.Poll(&poll, 1, (int)deadline.TotalMilliseconds) > 0;
    }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public void Dispose() => _pidfd.Dispose();
}
