using System.Diagnostics;
using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Processes;

/// <summary>
/// Until when a request may go on, by CLOCK_MONOTONIC, and the bell that ends it earlier. All
/// waiting goes through here, so nothing waits without an end.
/// </summary>
internal sealed class Deadline(long monotonicMilliseconds, Cancellation? cancellation = null)
{
    /// <summary>CLOCK_MONOTONIC in milliseconds: the same in all processes of the guest, and it stands still while the machine is paused.</summary>
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    public long At => monotonicMilliseconds;

    public bool Passed => Now >= monotonicMilliseconds;

    public static Deadline After(int milliseconds, Cancellation? cancellation = null) => new(Now + milliseconds, cancellation);

    /// <summary>The sooner of this and so long from now, with the same bell.</summary>
    public Deadline Within(long milliseconds) => new(Math.Min(monotonicMilliseconds, Now + milliseconds), cancellation);

    /// <summary>Throws if the time is up or the bell was struck.</summary>
    public void Check(string what)
    {
        if (cancellation is { Struck: true })
            throw Cancelled(what);
        if (Passed)
            throw TimeIsUp(what);
    }

    /// <summary>Waits until the descriptor has one of the events.</summary>
    /// <exception cref="AgentException">The time is up (deadline-exceeded) or the bell was struck (interrupted).</exception>
    public void Wait(int fd, short events, string what) => WaitAny([fd], events, what);

    /// <summary>Waits until one of the descriptors has one of the events, or an error or hang-up; says which (an index).</summary>
    /// <exception cref="AgentException">The time is up (deadline-exceeded) or the bell was struck (interrupted).</exception>
    public int WaitAny(ReadOnlySpan<int> fds, short events, string what) => TryWaitAny(fds, events, what) is >= 0 and var ready ? ready : throw TimeIsUp(what);

    /// <summary>The same, where the end of the time is no failure; a descriptor below 0 is passed over.</summary>
    /// <returns>-1: the time is up.</returns>
    /// <exception cref="AgentException">The bell was struck (interrupted).</exception>
    public unsafe int TryWaitAny(ReadOnlySpan<int> fds, short events, string what)
    {
        Libc.PollFd* polled = stackalloc Libc.PollFd[fds.Length + 1];
        for (int i = 0; i < fds.Length; i++)
            polled[i] = new Libc.PollFd { Fd = fds[i], Events = events };
        polled[fds.Length] = new Libc.PollFd { Fd = cancellation?.Fd ?? -1, Events = Libc.POLLIN };
        while (true)
        {
            int ready = Libc.poll(polled, (ulong)fds.Length + 1, (int)Math.Clamp(monotonicMilliseconds - Now, 0, int.MaxValue));
            if (ready < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR)
                throw new KernelException("poll", Marshal.GetLastPInvokeError());
            if (ready > 0 && polled[fds.Length].Revents != 0)
                throw Cancelled(what);
            for (int i = 0; ready > 0 && i < fds.Length; i++)
            {
                if (polled[i].Revents != 0)
                    return i;
            }
            if (Passed)
                return -1;
        }
    }

    private static AgentException TimeIsUp(string what) => new(new AgentError(AgentErrorCode.DeadlineExceeded, $"The deadline passed while {what}."));

    private static AgentException Cancelled(string what) => new(new AgentError(AgentErrorCode.Interrupted, $"Cut short while {what}."));
}
