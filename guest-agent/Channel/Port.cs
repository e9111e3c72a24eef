using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;

namespace Watari.GuestAgent.Channel;

/// <summary>
/// The guest's end of a virtio-serial port (drivers/char/virtio_console.c). While no host is
/// connected a read returns 0 and poll says POLLHUP at once, again and again; only the edge that the
/// driver's wake-up makes on connection tells when it is worth asking again, hence epoll with EPOLLET.
/// </summary>
internal sealed unsafe class Port : IDisposable
{
    private const uint EPOLLIN = 1, EPOLLOUT = 4, EPOLLHUP = 0x10, EPOLLET = 1u << 31;
    private const int EPOLL_CTL_ADD = 1, EPOLL_CLOEXEC = 0x80000;

    /// <summary>
    /// How long a writer waits for a host that is not there, in milliseconds: the driver's worker may hear late that one has come
    /// (control_work_handler), later than of its first bytes, and who has sent these waits for an answer.
    /// </summary>
    private const int HostPatience = 30_000;

    private readonly KernelFile file;
    private readonly KernelFile input = new(KernelException.Check(Libc.epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
    private readonly KernelFile output = new(KernelException.Check(Libc.epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
    private readonly Cancellation stop = new();

    /// <param name="file">The port, opened with O_RDWR and O_NONBLOCK.</param>
    public Port(KernelFile file)
    {
        this.file = file;
        foreach (KernelFile epoll in (ReadOnlySpan<KernelFile>)[input, output])
        {
            Watch(epoll, file.Fd, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLET);
            Watch(epoll, stop.Fd, EPOLLIN);
        }
    }

    /// <summary>A host is connected and takes bytes.</summary>
    public bool Writable => (Poll(Libc.POLLOUT, 0) & (Libc.POLLOUT | Libc.POLLHUP)) == Libc.POLLOUT;

    /// <summary>The next bytes, waiting for them and for a host as long as it takes.</summary>
    /// <returns>How many; 0 once <see cref="Stop"/> was called.</returns>
    public int Read(Span<byte> to)
    {
        while (!stop.Struck)
        {
            fixed (byte* at = to)
            {
                nint read = Libc.read(file.Fd, at, (nuint)to.Length);
                if (read > 0)
                    return (int)read;
                if (read < 0 && Marshal.GetLastPInvokeError() is not (Libc.EAGAIN or Libc.EINTR) and int errno)
                    throw new KernelException("reading the port", errno);
            }
            AwaitChange(input, -1);
        }
        return 0;
    }

    /// <summary>Writes all bytes, waiting for room as long as it takes, and a while for a host. One writer at a time.</summary>
    /// <param name="bytes">What to write.</param>
    /// <param name="wanted">Asked before each piece: whether the one who is to read it is still there.</param>
    /// <returns>All was written; else the host has gone.</returns>
    public bool Write(ReadOnlySpan<byte> bytes, Func<bool> wanted)
    {
        fixed (byte* from = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                if (!wanted() || stop.Struck)
                    return false;
                nint written = Libc.write(file.Fd, from + done, (nuint)(bytes.Length - done));
                if (written > 0)
                {
                    done += (int)written;
                    continue;
                }
                if (written < 0 && Marshal.GetLastPInvokeError() is not (Libc.EAGAIN or Libc.EINTR))
                    return false;
                if (!AwaitChange(output, HostPatience) && (Poll(Libc.POLLOUT, 0) & Libc.POLLHUP) != 0)
                    return false;
            }
        }
        return true;
    }

    /// <summary>Ends a read that waits, and all that follow.</summary>
    public void Stop() => stop.Strike();

    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        file.Dispose();
        stop.Dispose();
    }

    private short Poll(short events, int timeout)
    {
        Libc.PollFd* polled = stackalloc Libc.PollFd[2];
        polled[0] = new Libc.PollFd { Fd = file.Fd, Events = events };
        polled[1] = new Libc.PollFd { Fd = stop.Fd, Events = Libc.POLLIN };
        if (Libc.poll(polled, 2, timeout) <= 0)
            return 0;
        return polled[1].Revents != 0 ? Libc.POLLHUP : polled[0].Revents;
    }

    /// <summary>Waits for the next edge, or one since the last wait.</summary>
    /// <param name="epoll">Whose.</param>
    /// <param name="patience">In milliseconds; -1 for ever.</param>
    /// <returns>Whether there was one.</returns>
    private static bool AwaitChange(KernelFile epoll, int patience)
    {
        Libc.EpollEvent happened;
        return Libc.epoll_wait(epoll.Fd, &happened, 1, patience) != 0;
    }

    private static void Watch(KernelFile epoll, int fd, uint events)
    {
        Libc.EpollEvent change = new() { Events = events, Data = (ulong)fd };
        KernelException.Check(Libc.epoll_ctl(epoll.Fd, EPOLL_CTL_ADD, fd, &change), "epoll_ctl");
    }
}
