using System.Globalization;
using System.Runtime.ExceptionServices;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Guest;

/// <summary>The interface lo of a process's network namespace (netdevice(7)).</summary>
internal static unsafe class Loopback
{
    private const int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000;
    private const nuint SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914;
    private const int InterfaceRequestSize = 40, NameSize = 16; // struct ifreq
    private const short IFF_UP = 1;

    /// <summary>Sets it up.</summary>
    /// <returns>It was up before.</returns>
    public static bool Up(int pid)
    {
        bool wasUp = false;
        Exception? failure = null;
        // setns changes the calling thread alone, and this one ends with it.
        Thread thread = new(() =>
        {
            try
            {
                using (KernelFile ns = KernelFile.Open($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/ns/net", Libc.O_RDONLY))
                    KernelException.Check(Libc.setns(ns.Fd, Libc.CLONE_NEWNET), "setns");
                using KernelFile socket = new(KernelException.Check(Libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
                byte* request = stackalloc byte[InterfaceRequestSize];
                new Span<byte>(request, InterfaceRequestSize).Clear();
                "lo"u8.CopyTo(new Span<byte>(request, NameSize));
                short* flags = (short*)(request + NameSize);
                KernelException.Check(Libc.ioctl(socket.Fd, SIOCGIFFLAGS, request), "SIOCGIFFLAGS lo");
                wasUp = (*flags & IFF_UP) != 0;
                *flags |= IFF_UP;
                KernelException.Check(Libc.ioctl(socket.Fd, SIOCSIFFLAGS, request), "SIOCSIFFLAGS lo");
            }
            catch (KernelException refused)
            {
                failure = refused;
            }
        }, 256 * 1024);
        thread.Start();
        thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        return wasUp;
    }
}
